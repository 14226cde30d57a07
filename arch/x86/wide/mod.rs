//! AVX2 and AVX-512, in builds for x86_64 with vectors. They may be used if the CPU has them and the
//! operating system saves their registers (XCR0), which cpufeatures checks.

pub(super) mod avx2;
pub(super) mod avx512;
pub(super) mod movntdq_avx2;
pub(super) mod movntdq_avx512;
mod short;

pub(crate) use short::{is_short, zero_small};

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

/// Returns whether AVX-512 may be used.
pub(super) fn has_avx512() -> bool {
    usable_avx512::get()
}

/// Returns whether a few 64-byte stores have no side effects: CPUs that lower their clock for them
/// are older than VBMI2 (Ice Lake, Zen 4).
#[inline]
fn has_cheap_avx512() -> bool {
    usable_vbmi2::get()
}

fn avx2() -> Result<(), Unavailable> {
    if has_avx2() {
        Ok(())
    } else if cpuid::avx2() {
        Err(Unavailable { reason: "AVX2 is off: the system does not save YMM registers (XCR0)" })
    } else {
        Err(Unavailable { reason: "no AVX2: CPUID 7.0 EBX bit 5 is 0" })
    }
}

fn avx512() -> Result<(), Unavailable> {
    if has_avx512() {
        Ok(())
    } else if cpuid::avx512f() {
        Err(Unavailable { reason: "AVX-512 is off: the system does not save ZMM registers (XCR0)" })
    } else {
        Err(Unavailable { reason: "no AVX-512: CPUID 7.0 EBX bit 16 is 0" })
    }
}
