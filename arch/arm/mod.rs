//! arm, 32-bit: store-multiple and NEON.

mod hwcap;
mod tuning;

#[cfg(any(target_feature = "neon", feature = "std"))]
mod neon;
mod stm;

pub(crate) use super::anonymous as identity;
pub(crate) use hwcap::flags;
pub(crate) use tuning::MECHANISMS;
pub(crate) use tuning::tuning;

use crate::cpu::Caches;
use crate::primitive::Primitive;

/// The rows of arm. NEON's needs a target that has it, or a system that reports it. Kernel and
/// firmware targets have neither.
pub(crate) static PRIMITIVES: &[Primitive] = &[
    stm::PRIMITIVE,
    #[cfg(any(target_feature = "neon", feature = "std"))]
    neon::PRIMITIVE,
    super::generic::GENERIC,
];

/// Returns 0: no instruction here has a block size to query.
pub(crate) const fn block() -> usize {
    0
}

/// Returns unknown sizes: only privileged code may read them (CCSIDR).
pub(crate) fn caches() -> Caches {
    Caches::default()
}
