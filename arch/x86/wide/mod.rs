//! x86_64's AVX2 and AVX-512, and whether they may be used: the CPU has them, and the operating
//! system saves their registers (XCR0), which cpufeatures checks.

mod short;

pub(crate) mod avx2;
pub(crate) mod avx512;
pub(crate) mod movntdq_avx2;
pub(crate) mod movntdq_avx512;

pub(crate) use short::{is_short, zero_small};

use super::cpuid::{bit, cpuid};
use crate::arch::require;
use crate::primitive::Unavailable;

/// Extends `asm!` for `vzeroupper`: it changes the upper halves of all vector registers, of which
/// the arguments name `xmm0` alone.
macro_rules! avx_asm {
    ($($args:tt)*) => {
        core::arch::asm!(
            $($args)*
            out("xmm1") _, out("xmm2") _, out("xmm3") _, out("xmm4") _, out("xmm5") _,
            out("xmm6") _, out("xmm7") _, out("xmm8") _, out("xmm9") _, out("xmm10") _,
            out("xmm11") _, out("xmm12") _, out("xmm13") _, out("xmm14") _, out("xmm15") _,
        )
    };
}

use avx_asm;

cpufeatures::new!(usable_avx2, "avx2");
cpufeatures::new!(usable_avx512, "avx512f");
cpufeatures::new!(usable_vbmi2, "avx512f", "avx512vbmi2");

/// Returns whether AVX2 may be used: one relaxed load, once it is known.
#[inline]
pub(super) fn has_avx2() -> bool {
    usable_avx2::get()
}

/// Returns whether a few 64-byte stores have no side effects: CPUs that lower their clock for them
/// are older than VBMI2 (Ice Lake, Zen 4).
#[inline]
pub(super) fn has_cheap_avx512() -> bool {
    usable_vbmi2::get()
}

pub(super) fn require_avx2() -> Result<(), Unavailable> {
    require(bit(cpuid(7, 0).ebx, 5), "no AVX2: CPUID 7.0 EBX bit 5 is 0")?;
    require(has_avx2(), "AVX2 is off: the system does not save YMM registers (XCR0)")
}

pub(super) fn require_avx512() -> Result<(), Unavailable> {
    require(bit(cpuid(7, 0).ebx, 16), "no AVX-512: CPUID 7.0 EBX bit 16 is 0")?;
    require(usable_avx512::get(), "AVX-512 is off: the system does not save ZMM registers (XCR0)")
}
