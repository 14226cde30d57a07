//! `stosb`: one `rep stosb` for the whole range.
//!
//! Assumptions
//! - Instruction: REP STOSB (Intel SDM volume 2, AMD APM volume 3), run by microcode.
//! - CPUs: all have it; with ERMS it stores whole lines, and past the last-level cache some stop
//!   reading them first. Without ERMS it may go byte by byte: available, never chosen.
//! - Temporal. Stores inside one REP may pass each other, none passes what follows: no fence.
//! - Any alignment, block 1. Rust asm blocks start with the direction flag clear.

use crate::primitive::{Leaf, Primitive};

const BLOCK: usize = 1;

pub(super) const PRIMITIVE: Primitive = Primitive::plain(c"stosb", || BLOCK, Leaf::Ordered(clear));

/// # Safety
/// As for every [`Leaf`].
unsafe fn clear(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the range.
    unsafe {
        core::arch::asm!(
            "rep stosb",
            inout("rcx") len => _,
            inout("rdi") ptr => _,
            in("al") 0u8,
            options(nostack, preserves_flags),
        )
    }
}
