//! `generic`: word stores in portable Rust.
//!
//! Assumptions
//! - Instruction: any that stores a `usize`. CPUs: all. Feature bit: none.
//! - Temporal; no fence; block: eight words.

use crate::primitive::{Leaf, Primitive};

const WORD: usize = size_of::<usize>();
const BLOCK: usize = 8 * WORD;

pub(crate) const PRIMITIVE: Primitive =
    Primitive::plain(c"generic", || BLOCK, Leaf::Ordered(clear));

/// # Safety
/// As for every [`Leaf`].
#[cfg_attr(clearpage_asan, sanitize(address = "off"))]
unsafe fn clear(ptr: *mut u8, len: usize) {
    let start = ptr.expose_provenance();
    for block in (start..start + len).step_by(BLOCK) {
        // The compiler unrolls this loop, whose length is constant.
        for word in 0..BLOCK / WORD {
            let word = core::ptr::with_exposed_provenance_mut::<u8>(block + word * WORD);
            // SAFETY: an aligned word inside the caller's range. Volatile: otherwise the compiler
            // turns the loop into a call of memset. ASan would check a volatile write.
            unsafe {
                #[cfg(not(clearpage_asan))]
                word.cast::<usize>().write_volatile(0);
                #[cfg(clearpage_asan)]
                super::small::store::<usize>(word);
            }
        }
    }
}
