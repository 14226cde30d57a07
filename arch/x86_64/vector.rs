//! Checks whether AVX2 and AVX-512 may be used: the CPU has them, and the operating system saves
//! their registers (XCR0), which cpufeatures checks.

use super::cpuid;
use crate::primitive::Unavailable;

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

pub(super) fn avx2() -> Result<(), Unavailable> {
    if has_avx2() {
        Ok(())
    } else if cpuid::avx2() {
        Err(Unavailable { reason: "AVX2 is off: the system does not save YMM registers (XCR0)" })
    } else {
        Err(Unavailable { reason: "no AVX2: CPUID 7.0 EBX bit 5 is 0" })
    }
}

pub(super) fn avx512() -> Result<(), Unavailable> {
    if usable_avx512::get() {
        Ok(())
    } else if cpuid::avx512f() {
        Err(Unavailable { reason: "AVX-512 is off: the system does not save ZMM registers (XCR0)" })
    } else {
        Err(Unavailable { reason: "no AVX-512: CPUID 7.0 EBX bit 16 is 0" })
    }
}
