//! arm, 32-bit: store-multiple and NEON.

#[cfg(any(target_feature = "neon", feature = "std"))]
mod neon;
mod stm;

pub(crate) use super::generic::*;

use super::auxv::hwcap;
use crate::cpu::{Feature, Flag};
use crate::primitive::named;
use crate::tuning::Row;

// The rows of arm. NEON's needs a target that has it, or a system that reports it. Kernel and
// firmware targets have neither.
super::rows! {
    stm::PRIMITIVE,
    #[cfg(any(target_feature = "neon", feature = "std"))]
    neon::PRIMITIVE,
    GENERIC,
}

/// The first that is available serves every length and intent: NEON stores 32 bytes an instruction
/// and STM 16, and no store bypasses the cache. Not measured on a real CPU.
pub(crate) const MECHANISMS: &[&[Row]] = &[&[named("neon")], &[named("stm")]];

pub(crate) fn flags() -> impl Iterator<Item = Flag> {
    [Flag { feature: Feature::Neon, set: has_neon(), source: "AT_HWCAP bit 12" }].into_iter()
}

/// Detects Advanced SIMD: by the target, or by AT_HWCAP bit 12 (Linux, HWCAP_NEON). The feature
/// registers are for privileged code only.
fn has_neon() -> bool {
    cfg!(target_feature = "neon") || hwcap(12)
}
