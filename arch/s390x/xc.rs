//! `xc`: a field of 256 bytes exclusive-ored with itself.
//!
//! Assumptions
//! - Instruction: EXCLUSIVE OR, storage to storage (z/Architecture Principles of Operation,
//!   SA22-7832, chapter 7: a field exclusive-ored with itself becomes zeroes). CPUs: all.
//!   Feature bit: none.
//! - Temporal. Stores are seen in program order (SA22-7832, chapter 5, "Storage-Operand Store
//!   References"): no fence.
//! - Block 256, aligned: the cache line of every CPU since z10. The instruction itself takes any
//!   address.

use crate::primitive::{Leaf, Primitive};

const BLOCK: usize = 256;
/// Bytes per round of the main loop.
const ROUND: usize = 8 * BLOCK;

pub(super) const PRIMITIVE: Primitive = Primitive::plain(c"xc", || BLOCK, Leaf::Ordered(clear));

/// # Safety
/// As for every [`Leaf`].
unsafe fn clear(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the range.
    unsafe {
        core::arch::asm!(
            // The blocks that do not fill a round.
            "cgrje {ptr}, {rounds}, 3f",
            "2:",
            "xc 0(256,{ptr}), 0({ptr})",
            "la {ptr}, 256({ptr})",
            "cgrjlh {ptr}, {rounds}, 2b",
            "3:",
            "cgrje {ptr}, {end}, 5f",
            "4:",
            "xc 0(256,{ptr}), 0({ptr})",
            "xc 256(256,{ptr}), 256({ptr})",
            "xc 512(256,{ptr}), 512({ptr})",
            "xc 768(256,{ptr}), 768({ptr})",
            "xc 1024(256,{ptr}), 1024({ptr})",
            "xc 1280(256,{ptr}), 1280({ptr})",
            "xc 1536(256,{ptr}), 1536({ptr})",
            "xc 1792(256,{ptr}), 1792({ptr})",
            "la {ptr}, 2048({ptr})",
            "cgrjlh {ptr}, {end}, 4b",
            "5:",
            ptr = inout(reg_addr) ptr => _,
            rounds = in(reg) ptr.wrapping_add(len % ROUND),
            end = in(reg) ptr.wrapping_add(len),
            options(nostack),
        )
    }
}
