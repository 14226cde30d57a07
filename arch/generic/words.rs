//! `generic`: word stores in portable Rust.
//!
//! Assumptions
//! - Instruction: whatever stores a `usize`. CPUs: all. Feature bit: none.
//! - Temporal; no fence; block: eight words.
//! - General registers only: legal in kernels.

use core::sync::atomic::{Ordering, compiler_fence};

use crate::primitive::{Leaf, Primitive, Registers, Store};

const WORD: usize = size_of::<usize>();
const BLOCK: usize = 8 * WORD;

pub(crate) const PRIMITIVE: Primitive = Primitive {
    name: "generic",
    store: Store::Temporal,
    registers: Registers::General,
    block: || BLOCK,
    availability: || Ok(()),
    leaf: Leaf::Ordered(clear),
};

/// # Safety
/// `ptr` is valid for writes of `len` bytes; both are non-zero multiples of [`BLOCK`].
#[cfg_attr(clearpage_asan, sanitize(address = "off"))]
unsafe fn clear(ptr: *mut u8, len: usize) {
    let start = ptr.expose_provenance();
    for word in (start..start + len).step_by(WORD) {
        // SAFETY: an aligned word inside the caller's range.
        unsafe { *core::ptr::with_exposed_provenance_mut::<usize>(word) = 0 };
        // Or the compiler makes a call of memset out of the loop.
        compiler_fence(Ordering::SeqCst);
    }
}
