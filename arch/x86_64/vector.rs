//! Whether AVX2 and AVX-512 may be used: the CPU has them and the operating system saves their
//! registers (XCR0), which cpufeatures checks.

use super::cpuid;
use crate::primitive::Unavailable;

cpufeatures::new!(usable_avx2, "avx2");
cpufeatures::new!(usable_avx512, "avx512f");

pub(super) fn avx2() -> Result<(), Unavailable> {
    if usable_avx2::get() {
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
