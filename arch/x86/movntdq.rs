//! `movntdq`: 16-byte non-temporal stores. Chosen only without AVX2.
//!
//! Assumptions
//! - Instruction: MOVNTDQ xmm (Intel SDM volume 2). Feature bit: SSE2, CPUID 1 EDX bit 26. CPUs:
//!   Pentium 4, K8 and newer.
//! - Non-temporal, weakly ordered (Intel SDM volume 1, 10.4.6.2): SFENCE in the same asm block.
//! - Block 64, aligned: a write-combining buffer that is filled whole leaves in one transfer.

use core::arch::asm;

use super::loops::stream_blocks;
use super::{SSE2, has_sse2};
use crate::primitive::{Leaf, Primitive};

const BLOCK: usize = 64;

pub(super) const PRIMITIVE: Primitive = Primitive::plain(c"movntdq", || BLOCK, Leaf::Weak(clear))
    .non_temporal()
    .vector()
    .needs_feature(SSE2, has_sse2);

/// # Safety
/// As for every [`Leaf`].
unsafe fn clear(list: *const *mut u8, n: usize, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the ranges, and the fence is in the block.
    unsafe {
        stream_blocks!(asm, list, n, len, BLOCK, zero: "pxor xmm0, xmm0", [
            "movntdq [{at}], xmm0",
            "movntdq [{at} + 16], xmm0",
            "movntdq [{at} + 32], xmm0",
            "movntdq [{at} + 48], xmm0"
        ], end: "")
    }
}
