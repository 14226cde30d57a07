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
pub(crate) use tuning::MECHANISMS;
pub(crate) use tuning::tuning;

use crate::primitive::Primitive;

/// The rows of loongarch64. Those with vector registers need a target that has them, or a system
/// that reports them. Kernel and firmware targets have neither.
pub(crate) static PRIMITIVES: &[Primitive] = &[
    st_d::PRIMITIVE,
    #[cfg(any(target_feature = "lsx", feature = "std"))]
    lsx::PRIMITIVE,
    #[cfg(any(target_feature = "lsx", feature = "std"))]
    lasx::PRIMITIVE,
    super::generic::GENERIC,
];

/// Returns 0: no instruction here has a block size to query.
pub(crate) const fn block() -> usize {
    0
}
