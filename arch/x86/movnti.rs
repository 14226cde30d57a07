//! `movnti`: 8-byte (32-bit x86: 4-byte) non-temporal stores from a general register.
//!
//! Assumptions
//! - Instruction: MOVNTI (Intel SDM volume 2). Feature bit: SSE2, CPUID 1 EDX bit 26, though it
//!   touches no vector register. CPUs: Pentium 4, K8 and newer.
//! - Non-temporal, weakly ordered (Intel SDM volume 1, 10.4.6.2): SFENCE in the same asm block.
//! - Block 64, aligned: a write-combining buffer that is filled whole leaves in one transfer.

use core::arch::asm;

use super::loops::stream_blocks;
use super::{SSE2, has_sse2};
use crate::primitive::{Leaf, Primitive};

const BLOCK: usize = 64;
/// Bytes per round of the loop: half a block on 32-bit x86.
const ROUND: usize = size_of::<[usize; 8]>();

pub(super) const PRIMITIVE: Primitive = Primitive::plain(c"movnti", || BLOCK, Leaf::Weak(clear))
    .non_temporal()
    .needs_feature(SSE2, has_sse2);

/// # Safety
/// As for every [`Leaf`].
unsafe fn clear(list: *const *mut u8, n: usize, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the ranges, and the fence is in the block.
    unsafe {
        stream_blocks!(asm, list, n, len, ROUND, zero: "", [
            "movnti [{at}], {zero}",
            "movnti [{at} + {pointer}], {zero}",
            "movnti [{at} + 2 * {pointer}], {zero}",
            "movnti [{at} + 3 * {pointer}], {zero}",
            "movnti [{at} + 4 * {pointer}], {zero}",
            "movnti [{at} + 5 * {pointer}], {zero}",
            "movnti [{at} + 6 * {pointer}], {zero}",
            "movnti [{at} + 7 * {pointer}], {zero}"
        ], end: "")
    }
}
