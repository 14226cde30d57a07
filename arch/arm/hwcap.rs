//! Reads what Linux reports of the CPU: arm's feature registers are for privileged code only.

use crate::arch::auxv::auxv;
use crate::cpu::{Feature, Flag};

const AT_HWCAP: usize = 16;

/// Detects Advanced SIMD: by the target, or by AT_HWCAP bit 12 (Linux, HWCAP_NEON).
pub(super) fn neon() -> bool {
    cfg!(target_feature = "neon") || auxv(AT_HWCAP) >> 12 & 1 == 1
}

pub(crate) fn flags() -> impl Iterator<Item = Flag> {
    [Flag { feature: Feature::Neon, set: neon(), source: "AT_HWCAP bit 12" }].into_iter()
}
