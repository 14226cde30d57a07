//! arm, 32-bit: store-multiple and NEON.

mod hwcap;
mod tuning;

#[cfg(any(target_feature = "neon", feature = "std"))]
mod neon;
mod stm;

pub(crate) use hwcap::flags;
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

/// Only privileged code may read them (CCSIDR).
pub(crate) fn caches() -> Caches {
    Caches::default()
}
