//! `avx512`: 64-byte vector stores, a line each. Measured, never chosen: it is level
//! with `avx2` or slower.
//!
//! Assumptions
//! - Instruction: VMOVDQA64 zmm. Feature bit: AVX512F, CPUID 7.0 EBX bit 16, and ZMM state enabled
//!   in XCR0. CPUs: Skylake-SP, Zen 4 and newer; those before Ice Lake lower their clock for it.
//! - Temporal; no fence; block 128, aligned. Ends in VZEROUPPER: SSE code that follows would
//!   otherwise pay for the upper halves.

use super::avx_asm;
use crate::arch::isa::loops::store_blocks;
use crate::cpu::Feature;
use crate::primitive::{Leaf, Primitive};

const BLOCK: usize = 128;

pub(crate) const PRIMITIVE: Primitive = Primitive::plain(c"avx512", || BLOCK, Leaf::Ordered(clear))
    .vector()
    .needs_feature(Some(Feature::Avx512f), super::require_avx512);

/// # Safety
/// As for every [`Leaf`].
unsafe fn clear(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the range.
    unsafe {
        store_blocks!(avx_asm, ptr, len, BLOCK, zero: "vpxor xmm0, xmm0, xmm0", [
            "vmovdqa64 [{at}], zmm0",
            "vmovdqa64 [{at} + 64], zmm0"
        ], end: "vzeroupper")
    }
}
