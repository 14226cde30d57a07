//! arm, 32-bit: store-multiple and NEON.

mod hwcap;
mod tuning;

#[cfg(any(target_feature = "neon", feature = "std"))]
mod neon;
mod stm;

pub(crate) use super::anonymous as identity;
pub(crate) use hwcap::flags;
#[cfg(feature = "std")]
pub(crate) use tuning::MECHANISMS;
pub(crate) use tuning::tuning;

use crate::cpu::Caches;
use crate::primitive::Primitive;

/// NEON's row stands behind a target that has it, or a system that says whether the CPU does:
/// kernel and firmware targets are built without.
pub(crate) static PRIMITIVES: &[Primitive] = &[
    stm::PRIMITIVE,
    #[cfg(any(target_feature = "neon", feature = "std"))]
    neon::PRIMITIVE,
    super::generic::GENERIC,
];

/// None: no instruction here clears a block of a size to be asked for.
pub(crate) const fn block() -> usize {
    0
}

/// Only privileged code may read them (CCSIDR).
pub(crate) fn caches() -> Caches {
    Caches::default()
}
