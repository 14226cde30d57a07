//! `stosd`: one `rep stosd` for the whole range.
//!
//! Assumptions
//! - Instruction: REP STOSD (Intel SDM volume 2, AMD APM volume 3), run by microcode.
//! - CPUs: all; the fast form of those without ERMS: fast-string operation (Intel SDM volume 1,
//!   7.3.9.3) has been there since the Pentium Pro.
//! - Temporal. Stores inside one REP may pass each other, none passes what follows: no fence.
//! - Block 4. Rust asm blocks start with the direction flag clear.

use crate::primitive::{Leaf, Primitive};

const BLOCK: usize = 4;

pub(super) const PRIMITIVE: Primitive = Primitive::plain(c"stosd", || BLOCK, Leaf::Ordered(clear));

/// # Safety
/// As for every [`Leaf`].
unsafe fn clear(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the range.
    unsafe {
        core::arch::asm!(
            "rep stosd",
            inout("ecx") len / BLOCK => _,
            inout("edi") ptr => _,
            in("eax") 0u32,
            options(nostack, preserves_flags),
        )
    }
}
