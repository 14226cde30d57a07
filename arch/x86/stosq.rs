//! `stosq`: one `rep stosq` for the whole range.
//!
//! Assumptions
//! - Instruction: REP STOSQ (Intel SDM volume 2, AMD APM volume 3), run by microcode.
//! - CPUs: all; the fast form of those without ERMS (Linux: rep_good).
//! - Temporal. Stores inside one REP may pass each other, none passes what follows: no fence.
//! - Block 8. Rust asm blocks start with the direction flag clear.

use crate::primitive::{Leaf, Primitive};

const BLOCK: usize = 8;

pub(super) const PRIMITIVE: Primitive = Primitive::plain(c"stosq", || BLOCK, Leaf::Ordered(clear));

/// # Safety
/// As for every [`Leaf`].
unsafe fn clear(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the range.
    unsafe {
        core::arch::asm!(
            "rep stosq",
            inout("rcx") len / BLOCK => _,
            inout("rdi") ptr => _,
            in("rax") 0u64,
            options(nostack, preserves_flags),
        )
    }
}
