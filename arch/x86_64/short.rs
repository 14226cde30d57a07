//! 65 to 256 bytes by wide stores: a quarter as many with AVX-512, half as many with AVX2.

use super::vector::{has_avx2, has_cheap_avx512};
use crate::arch::generic;

/// Stores, given four runs of 64 bytes of which the middle two slide towards the last where the
/// range is less than four runs. `vzeroupper` changes all registers that are named.
macro_rules! four_runs {
    ($ptr:ident, $len:ident, [$($store:literal),+]) => {{
        let last = $len - 64;
        core::arch::asm!(
            "vpxor xmm0, xmm0, xmm0",
            $($store,)+
            "vzeroupper",
            a = in(reg) $ptr,
            b = in(reg) $ptr.add(last.min(64)),
            c = in(reg) $ptr.add(last.min(128)),
            d = in(reg) $ptr.add(last),
            out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _,
            out("xmm4") _, out("xmm5") _, out("xmm6") _, out("xmm7") _,
            out("xmm8") _, out("xmm9") _, out("xmm10") _, out("xmm11") _,
            out("xmm12") _, out("xmm13") _, out("xmm14") _, out("xmm15") _,
            options(nostack, preserves_flags),
        )
    }};
}

/// As the portable one, which serves what is shorter or longer, and older CPUs.
///
/// # Safety
/// `ptr` is valid for writes of `len` bytes.
#[inline]
pub(crate) unsafe fn zero_small(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promise; runs begin inside the range and end with it at the latest;
    // and this CPU has the instructions.
    unsafe {
        if !(65..=256).contains(&len) {
            generic::zero_small(ptr, len);
        } else if has_cheap_avx512() {
            four_runs!(
                ptr,
                len,
                [
                    "vmovdqu64 [{a}], zmm0",
                    "vmovdqu64 [{b}], zmm0",
                    "vmovdqu64 [{c}], zmm0",
                    "vmovdqu64 [{d}], zmm0"
                ]
            );
        } else if has_avx2() {
            four_runs!(
                ptr,
                len,
                [
                    "vmovdqu [{a}], ymm0",
                    "vmovdqu [{a} + 32], ymm0",
                    "vmovdqu [{b}], ymm0",
                    "vmovdqu [{b} + 32], ymm0",
                    "vmovdqu [{c}], ymm0",
                    "vmovdqu [{c} + 32], ymm0",
                    "vmovdqu [{d}], ymm0",
                    "vmovdqu [{d} + 32], ymm0"
                ]
            );
        } else {
            generic::zero_small(ptr, len);
        }
    }
}
