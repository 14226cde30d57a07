//! `movntdq_avx2`: 32-byte non-temporal stores.
//!
//! Assumptions
//! - Instruction: VMOVNTDQ ymm. It is AVX's; AVX2 is asked for because no CPU is served better
//!   by it without. Feature bit: CPUID 7.0 EBX bit 5, and YMM state enabled in XCR0.
//! - Non-temporal, weakly ordered (Intel SDM volume 1, 10.4.6.2): SFENCE in the same asm block.
//! - Block 64, aligned: a write-combining buffer that is filled whole leaves in one transfer.
//!   Ends in VZEROUPPER.

use super::avx_asm;
use crate::arch::isa::loops::stream_blocks;
use crate::cpu::Feature;
use crate::primitive::{Leaf, Primitive};

const BLOCK: usize = 64;

pub(crate) const PRIMITIVE: Primitive =
    Primitive::plain(c"movntdq_avx2", || BLOCK, Leaf::Weak(clear))
        .non_temporal()
        .vector()
        .needs_feature(Some(Feature::Avx2), super::require_avx2);

/// # Safety
/// As for every [`Leaf`].
unsafe fn clear(list: *const *mut u8, n: usize, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the ranges, and the fence is in the block.
    unsafe {
        stream_blocks!(avx_asm, list, n, len, BLOCK, zero: "vpxor xmm0, xmm0, xmm0", [
            "vmovntdq [{at}], ymm0",
            "vmovntdq [{at} + 32], ymm0"
        ], end: "vzeroupper")
    }
}
