//! `stm`: four general registers a store.
//!
//! Assumptions
//! - Instruction: STMIA with write-back (Arm ARM DDI 0406C, A8.8.199). CPUs: all. Of r0 to r5
//!   only: so it has an encoding in Arm, Thumb-2 and Thumb-1, and r6, r7, r9 and r11 stay with the
//!   compiler.
//! - Temporal; no fence; block 64, aligned: STM faults on an address that is not a multiple of 4,
//!   and passes 8 bytes a cycle where it is one of 8.
//! - General registers only: legal in kernels. Not for Device memory: an interrupt may restart it.

use crate::primitive::{Leaf, Primitive};

const BLOCK: usize = 64;

pub(super) const PRIMITIVE: Primitive = Primitive::plain(c"stm", || BLOCK, Leaf::Ordered(clear));

/// # Safety
/// As for every [`Leaf`].
unsafe fn clear(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the range.
    unsafe {
        core::arch::asm!(
            "2:",
            "stmia r0!, {{r2, r3, r4, r5}}",
            "stmia r0!, {{r2, r3, r4, r5}}",
            "stmia r0!, {{r2, r3, r4, r5}}",
            "stmia r0!, {{r2, r3, r4, r5}}",
            "cmp r0, r1",
            "bne 2b",
            inout("r0") ptr => _,
            in("r1") ptr.wrapping_add(len),
            in("r2") 0,
            in("r3") 0,
            in("r4") 0,
            in("r5") 0,
            options(nostack),
        )
    }
}
