//! `generic`: word stores in portable Rust.
//!
//! Assumptions
//! - Instruction: whatever stores a `usize`. CPUs: all. Feature bit: none.
//! - Temporal; no fence; block: eight words.
//! - General registers only: legal in kernels.

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
unsafe fn clear(ptr: *mut u8, len: usize) {
    let mut word = ptr.cast::<usize>();
    for _ in 0..len / BLOCK {
        for i in 0..8 {
            // Volatile, or the compiler makes a call of memset out of the loop.
            // SAFETY: inside the caller's range, which is aligned to eight words.
            unsafe { word.add(i).write_volatile(0) };
        }
        // SAFETY: at most one past the caller's range.
        word = unsafe { word.add(8) };
    }
}
