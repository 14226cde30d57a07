//! riscv64: cache-block zero where there is one, doubleword stores elsewhere.

mod hwprobe;
mod tuning;

mod cbo_zero;
mod sd;

pub(crate) use super::anonymous as identity;
pub(crate) use super::auxv::caches;
pub(crate) use hwprobe::flags;
#[cfg(feature = "std")]
pub(crate) use tuning::MECHANISMS;
pub(crate) use tuning::tuning;

use crate::primitive::Primitive;

pub(crate) static PRIMITIVES: &[Primitive] =
    &[cbo_zero::PRIMITIVE, sd::PRIMITIVE, super::generic::GENERIC];

/// What `cbo.zero` clears.
pub(crate) fn block() -> usize {
    hwprobe::BLOCK.get().unwrap_or(0)
}
