//! loongarch64: doubleword stores and the two widths of vector stores.

mod cpucfg;
mod hwcap;
mod tuning;

#[cfg(any(target_feature = "lsx", feature = "std"))]
mod lasx;
#[cfg(any(target_feature = "lsx", feature = "std"))]
mod lsx;
mod st_d;

pub(crate) use super::anonymous as identity;
pub(crate) use cpucfg::caches;
pub(crate) use hwcap::flags;
#[cfg(feature = "std")]
pub(crate) use tuning::MECHANISMS;
pub(crate) use tuning::tuning;

use crate::primitive::Primitive;

/// Rows that need vector registers stand behind a target that has them, or a system that says
/// whether the CPU does: kernel and firmware targets are built without.
pub(crate) static PRIMITIVES: &[Primitive] = &[
    st_d::PRIMITIVE,
    #[cfg(any(target_feature = "lsx", feature = "std"))]
    lsx::PRIMITIVE,
    #[cfg(any(target_feature = "lsx", feature = "std"))]
    lasx::PRIMITIVE,
    super::generic::GENERIC,
];

/// None: no instruction here clears a block of a size to be asked for.
pub(crate) const fn block() -> usize {
    0
}
