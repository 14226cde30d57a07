//! `mvcle`: one move from a source of no bytes, so that the pad byte fills the range.
//!
//! Assumptions
//! - Instruction: MOVE LONG EXTENDED (z/Architecture Principles of Operation, SA22-7832,
//!   chapter 7). CPUs: all. Feature bit: none.
//! - It stops after an amount that the CPU determines, with condition code 3 and its registers
//!   advanced, and is executed again until the whole range is done.
//! - Temporal by the architecture; stores are seen in program order: no fence. CPUs may do better:
//!   according to IBM, a fill of aligned 4 KiB pieces by its sibling MVCL happens in the storage
//!   controller, without bringing lines into the cache (J. Mulder, IBM-MAIN, 2011).
//! - Block 4096, aligned, for that reason; the instruction itself takes any address and length.

use crate::primitive::{Leaf, Primitive};

const BLOCK: usize = 4096;

pub(super) const PRIMITIVE: Primitive = Primitive::plain(c"mvcle", || BLOCK, Leaf::Ordered(clear));

/// # Safety
/// As for every [`Leaf`].
unsafe fn clear(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the range; with a source of no bytes
    // nothing is read.
    unsafe {
        core::arch::asm!(
            "2:",
            // The pad byte is not in memory: it is the low byte of the last operand, 0.
            "mvcle %r2, %r4, 0",
            "jo 2b",
            inout("r2") ptr => _,
            inout("r3") len => _,
            inout("r4") 0usize => _,
            inout("r5") 0usize => _,
            options(nostack),
        )
    }
}
