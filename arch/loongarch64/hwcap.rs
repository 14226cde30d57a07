//! Reads what Linux reports of the CPU. CPUCFG has the CPU's features, but not whether the system
//! has switched its vector registers on.

use crate::arch::auxv::auxv;
use crate::cpu::{Feature, Flag};

const AT_HWCAP: usize = 16;

fn hwcap(bit: u32) -> bool {
    auxv(AT_HWCAP) >> bit & 1 == 1
}

/// Detects 16-byte vectors: by the target, or by AT_HWCAP bit 4 (Linux, HWCAP_LOONGARCH_LSX).
pub(super) fn lsx() -> bool {
    cfg!(target_feature = "lsx") || hwcap(4)
}

/// Detects 32-byte vectors: by the target, or by AT_HWCAP bit 5 (Linux, HWCAP_LOONGARCH_LASX).
pub(super) fn lasx() -> bool {
    cfg!(target_feature = "lasx") || hwcap(5)
}

pub(crate) fn flags() -> impl Iterator<Item = Flag> {
    [(Feature::Lsx, lsx(), "AT_HWCAP bit 4"), (Feature::Lasx, lasx(), "AT_HWCAP bit 5")]
        .into_iter()
        .map(|(feature, set, source)| Flag { feature, set, source })
}
