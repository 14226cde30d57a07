//! `sd`: 8-byte stores of the zero register.
//!
//! Assumptions
//! - Instruction: SD (RISC-V unprivileged specification, RV64I). CPUs: all. Feature bit: none.
//! - Temporal; ordered as any other stores: no fence.
//! - Block 128, aligned: sixteen stores a round.

use crate::primitive::{Leaf, Primitive};

const BLOCK: usize = 128;

pub(super) const PRIMITIVE: Primitive = Primitive::plain(c"sd", || BLOCK, Leaf::Ordered(clear));

/// # Safety
/// As for every [`Leaf`].
unsafe fn clear(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the range.
    unsafe {
        core::arch::asm!(
            "2:",
            "sd zero, 0({ptr})",
            "sd zero, 8({ptr})",
            "sd zero, 16({ptr})",
            "sd zero, 24({ptr})",
            "sd zero, 32({ptr})",
            "sd zero, 40({ptr})",
            "sd zero, 48({ptr})",
            "sd zero, 56({ptr})",
            "sd zero, 64({ptr})",
            "sd zero, 72({ptr})",
            "sd zero, 80({ptr})",
            "sd zero, 88({ptr})",
            "sd zero, 96({ptr})",
            "sd zero, 104({ptr})",
            "sd zero, 112({ptr})",
            "sd zero, 120({ptr})",
            "addi {ptr}, {ptr}, {block}",
            "bne {ptr}, {end}, 2b",
            block = const BLOCK,
            ptr = inout(reg) ptr => _,
            end = in(reg) ptr.wrapping_add(len),
            options(nostack, preserves_flags),
        )
    }
}
