//! `avx2`: 32-byte vector stores.
//!
//! Assumptions
//! - Instruction: VMOVDQA ymm. Feature bit: AVX2, CPUID 7.0 EBX bit 5, and YMM state enabled in
//!   XCR0. CPUs: Haswell, Zen and newer.
//! - Temporal; no fence; block 128, aligned. Ends in VZEROUPPER: SSE code that follows would
//!   otherwise pay for the upper halves.

use super::avx_asm;
use crate::arch::isa::loops::store_blocks;
use crate::cpu::Feature;
use crate::primitive::{Leaf, Primitive};

const BLOCK: usize = 128;

pub(crate) const PRIMITIVE: Primitive = Primitive::plain(c"avx2", || BLOCK, Leaf::Ordered(clear))
    .vector()
    .needs_feature(Some(Feature::Avx2), super::require_avx2);

/// # Safety
/// As for every [`Leaf`].
unsafe fn clear(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the range.
    unsafe {
        store_blocks!(avx_asm, ptr, len, BLOCK, zero: "vpxor xmm0, xmm0, xmm0", [
            "vmovdqa [{at}], ymm0",
            "vmovdqa [{at} + 32], ymm0",
            "vmovdqa [{at} + 64], ymm0",
            "vmovdqa [{at} + 96], ymm0"
        ], end: "vzeroupper")
    }
}
