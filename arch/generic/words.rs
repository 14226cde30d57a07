//! `generic`: word stores in portable Rust.
//!
//! Assumptions
//! - Instruction: any that stores a `usize`. CPUs: all. Feature bit: none.
//! - Temporal; no fence; block: eight words.
//! - General registers only: legal in kernels.

use crate::primitive::{Leaf, Primitive};

const WORD: usize = size_of::<usize>();
const BLOCK: usize = 8 * WORD;

pub(crate) const PRIMITIVE: Primitive = Primitive::plain("generic", || BLOCK, Leaf::Ordered(clear));

/// # Safety
/// As for every [`Leaf`].
#[cfg_attr(clearpage_asan, sanitize(address = "off"))]
unsafe fn clear(ptr: *mut u8, len: usize) {
    let start = ptr.expose_provenance();
    for block in (start..start + len).step_by(BLOCK) {
        // The compiler unrolls this loop, whose length is constant.
        for word in 0..BLOCK / WORD {
            let word = core::ptr::with_exposed_provenance_mut(block + word * WORD);
            // SAFETY: an aligned word inside the caller's range.
            unsafe { store(word) };
        }
    }
}

/// Stores a volatile zero: otherwise the compiler turns the loop into a call of memset.
///
/// # Safety
/// `word` is valid for a write.
#[cfg(not(clearpage_asan))]
#[inline(always)]
unsafe fn store(word: *mut usize) {
    // SAFETY: the caller's promise.
    unsafe { word.write_volatile(0) };
}

/// Stores zero by assignment: `write_volatile` is compiled with ASan's checks.
///
/// # Safety
/// `word` is valid for a write.
#[cfg(clearpage_asan)]
#[sanitize(address = "off")]
unsafe fn store(word: *mut usize) {
    // SAFETY: the caller's promise.
    unsafe { *word = 0 };
    core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);
}
