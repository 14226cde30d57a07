//! More than 64 bytes by wide stores: a quarter as many with AVX-512, half as many with AVX2.

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

/// Stores, given more than four runs: one at the front, four at the end, and what lies between, if
/// anything, from a cache line on. No more may cross a line than these.
macro_rules! many_runs {
    ($ptr:ident, $len:ident, [$($front:literal),+], [$($line:literal),+], [$($end:literal),+]) => {{
        core::arch::asm!(
            "vpxor xmm0, xmm0, xmm0",
            $($front,)+
            "add {a}, 64",
            "and {a}, -64",
            "cmp {a}, {d}",
            "jae 3f",
            ".p2align 4",
            "2:",
            $($line,)+
            "add {a}, 256",
            "cmp {a}, {d}",
            "jb 2b",
            "3:",
            $($end,)+
            "vzeroupper",
            a = inout(reg) $ptr => _,
            d = in(reg) $ptr.add($len - 256),
            out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _,
            out("xmm4") _, out("xmm5") _, out("xmm6") _, out("xmm7") _,
            out("xmm8") _, out("xmm9") _, out("xmm10") _, out("xmm11") _,
            out("xmm12") _, out("xmm13") _, out("xmm14") _, out("xmm15") _,
            options(nostack),
        )
    }};
}

/// Whether [`zero_small`] beats every primitive at this length, for the set-up that those take.
#[inline]
pub(crate) fn is_short(len: usize) -> bool {
    len <= 256 || (len < 4 << 10 && has_avx2())
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
        if len <= 64 {
            generic::zero_small(ptr, len);
        } else if len > 256 {
            many(ptr, len);
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

/// # Safety
/// `ptr` is valid for writes of `len` bytes, which are more than 256.
#[inline(never)]
unsafe fn many(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promise; the lines between begin below the end's 256 bytes; and this CPU
    // has the instructions.
    unsafe {
        if has_cheap_avx512() {
            many_runs!(
                ptr,
                len,
                ["vmovdqu64 [{a}], zmm0"],
                [
                    "vmovdqa64 [{a}], zmm0",
                    "vmovdqa64 [{a} + 64], zmm0",
                    "vmovdqa64 [{a} + 128], zmm0",
                    "vmovdqa64 [{a} + 192], zmm0"
                ],
                [
                    "vmovdqu64 [{d}], zmm0",
                    "vmovdqu64 [{d} + 64], zmm0",
                    "vmovdqu64 [{d} + 128], zmm0",
                    "vmovdqu64 [{d} + 192], zmm0"
                ]
            );
        } else if has_avx2() {
            many_runs!(
                ptr,
                len,
                ["vmovdqu [{a}], ymm0", "vmovdqu [{a} + 32], ymm0"],
                [
                    "vmovdqa [{a}], ymm0",
                    "vmovdqa [{a} + 32], ymm0",
                    "vmovdqa [{a} + 64], ymm0",
                    "vmovdqa [{a} + 96], ymm0",
                    "vmovdqa [{a} + 128], ymm0",
                    "vmovdqa [{a} + 160], ymm0",
                    "vmovdqa [{a} + 192], ymm0",
                    "vmovdqa [{a} + 224], ymm0"
                ],
                [
                    "vmovdqu [{d}], ymm0",
                    "vmovdqu [{d} + 32], ymm0",
                    "vmovdqu [{d} + 64], ymm0",
                    "vmovdqu [{d} + 96], ymm0",
                    "vmovdqu [{d} + 128], ymm0",
                    "vmovdqu [{d} + 160], ymm0",
                    "vmovdqu [{d} + 192], ymm0",
                    "vmovdqu [{d} + 224], ymm0"
                ]
            );
        } else {
            generic::zero_small(ptr, len);
        }
    }
}
