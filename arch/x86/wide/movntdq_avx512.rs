//! `movntdq_avx512`: 64-byte non-temporal stores, a line each. Measured, never chosen:
//! it is level with `movntdq_avx2` or slower.
//!
//! Assumptions
//! - Instruction: VMOVNTDQ zmm. Feature bit: AVX512F, CPUID 7.0 EBX bit 16, and ZMM state enabled
//!   in XCR0.
//! - Non-temporal, weakly ordered (Intel SDM volume 1, 10.4.6.2): SFENCE in the same asm block.
//! - Block 64, aligned. Ends in VZEROUPPER.

use super::avx_asm;
use crate::arch::isa::loops::stream_blocks;
use crate::cpu::Feature;
use crate::primitive::{Leaf, Primitive};

const BLOCK: usize = 64;

pub(crate) const PRIMITIVE: Primitive =
    Primitive::plain(c"movntdq_avx512", || BLOCK, Leaf::Weak(clear))
        .non_temporal()
        .vector()
        .needs_feature(Some(Feature::Avx512f), super::require_avx512);

/// # Safety
/// As for every [`Leaf`].
unsafe fn clear(list: *const *mut u8, n: usize, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the ranges, and the fence is in the block.
    unsafe {
        stream_blocks!(avx_asm, list, n, len, BLOCK, zero: "vpxor xmm0, xmm0, xmm0", [
            "vmovntdq [{at}], zmm0"
        ], end: "vzeroupper")
    }
}
