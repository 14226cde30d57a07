//! `dcbz`: one instruction a data cache block.
//!
//! Assumptions
//! - Instruction: DCBZ, the block that the address points into (Power ISA, Book II, chapter 4,
//!   "Cache Management Instructions"). CPUs: all. Feature bit: none; its block size must be known.
//! - Temporal: the block is made in the cache without being read. It counts as a store to each of
//!   its bytes and is ordered as such (Book II, chapter 4): no fence.
//! - Block: AT_DCACHEBSIZE; 128 on all 64-bit servers, 64 on e5500 and e6500. PowerPC 970 can be
//!   switched to 32 (HID5) while its lines stay 128; Linux does not.
//! - General registers only. In kernels: memory that is Caching Inhibited or Write Through
//!   Required gives an alignment interrupt (Book III, "Alignment Interrupt"); so only memory that
//!   is cached, and the size from the device tree.

use super::cache_block;
use crate::cpu::Feature;
use crate::primitive::{Leaf, Primitive};

/// Blocks per round of the main loop.
const ROUND: usize = 8;

// If DCBZ is unavailable, nothing clears by blocks, and any number will do.
pub(super) const PRIMITIVE: Primitive =
    Primitive::plain(c"dcbz", || cache_block::BLOCK.get().unwrap_or(128), Leaf::Ordered(clear))
        .needs_feature(Some(Feature::Dcbz), || cache_block::BLOCK.get().map(drop));

/// # Safety
/// As for every [`Leaf`]; the memory is cached.
unsafe fn clear(ptr: *mut u8, len: usize) {
    let block = cache_block::BLOCK.get_or_exit();
    // SAFETY: the caller's promises: all stores fall into the range.
    unsafe {
        core::arch::asm!(
            // The blocks that do not fill a round.
            "cmpld {ptr}, {rounds}",
            "beq 3f",
            "2:",
            "dcbz 0, {ptr}",
            "add {ptr}, {ptr}, {block}",
            "cmpld {ptr}, {rounds}",
            "bne 2b",
            "3:",
            "cmpld {ptr}, {end}",
            "beq 5f",
            "4:",
            ".rept {round}",
            "dcbz 0, {ptr}",
            "add {ptr}, {ptr}, {block}",
            ".endr",
            "cmpld {ptr}, {end}",
            "bne 4b",
            "5:",
            round = const ROUND,
            block = in(reg) block,
            ptr = inout(reg) ptr => _,
            rounds = in(reg) ptr.wrapping_add(len & (ROUND * block - 1)),
            end = in(reg) ptr.wrapping_add(len),
            out("cr0") _,
            options(nostack),
        )
    }
}
