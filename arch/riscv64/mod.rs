//! riscv64: cache-block zero if the CPU has it, otherwise doubleword stores.

mod hwprobe;
mod tuning;

mod cbo_zero;
mod sd;

pub(crate) use super::anonymous as identity;
pub(crate) use super::auxv::caches;
pub(crate) use hwprobe::flags;
pub(crate) use tuning::MECHANISMS;
pub(crate) use tuning::tuning;

use crate::primitive::Primitive;

pub(crate) static PRIMITIVES: &[Primitive] =
    &[cbo_zero::PRIMITIVE, sd::PRIMITIVE, super::generic::GENERIC];

/// Returns the block size of `cbo.zero`; 0 if it is unavailable.
pub(crate) fn block() -> usize {
    hwprobe::BLOCK.get().unwrap_or(0)
}
