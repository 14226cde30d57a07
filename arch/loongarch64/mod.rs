//! loongarch64: doubleword stores and the two widths of vector stores.

mod cpucfg;

#[cfg(any(target_feature = "lsx", feature = "std"))]
mod lasx;
#[cfg(any(target_feature = "lsx", feature = "std"))]
mod lsx;
mod st_d;

pub(crate) use super::generic::*;
pub(crate) use cpucfg::caches;

use super::auxv::hwcap;
use crate::cpu::{Feature, Flag};
use crate::primitive::named;
use crate::tuning::Row;

// The rows of loongarch64. Those with vector registers need a target that has them, or a system
// that reports them. Kernel and firmware targets have neither.
super::rows! {
    st_d::PRIMITIVE,
    #[cfg(any(target_feature = "lsx", feature = "std"))]
    lsx::PRIMITIVE,
    #[cfg(any(target_feature = "lsx", feature = "std"))]
    lasx::PRIMITIVE,
    GENERIC,
}

/// The first that is available serves every length and intent: the widest store needs the fewest
/// instructions, and no store bypasses the cache. Not measured on a real CPU.
pub(crate) const MECHANISMS: &[&[Row]] = &[&[named("lasx"), named("lsx")], &[named("st_d")]];

pub(crate) fn flags() -> impl Iterator<Item = Flag> {
    [
        Flag { feature: Feature::Lsx, set: has_lsx(), source: "AT_HWCAP bit 4" },
        Flag { feature: Feature::Lasx, set: has_lasx(), source: "AT_HWCAP bit 5" },
    ]
    .into_iter()
}

/// Detects 16-byte vectors: by the target, or by AT_HWCAP bit 4 (Linux, HWCAP_LOONGARCH_LSX).
/// CPUCFG does not report whether the system has enabled the registers.
fn has_lsx() -> bool {
    cfg!(target_feature = "lsx") || hwcap(4)
}

/// Detects 32-byte vectors: by the target, or by AT_HWCAP bit 5 (Linux, HWCAP_LOONGARCH_LASX).
fn has_lasx() -> bool {
    cfg!(target_feature = "lasx") || hwcap(5)
}
