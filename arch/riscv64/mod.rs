//! riscv64: cache-block zero where there is one, doubleword stores elsewhere.

mod hwprobe;
mod tuning;

mod cbo_zero;
mod sd;

pub(crate) use super::auxv::caches;
pub(crate) use hwprobe::flags;
pub(crate) use tuning::tuning;

use crate::primitive::Primitive;

pub(crate) static PRIMITIVES: &[Primitive] =
    &[cbo_zero::PRIMITIVE, sd::PRIMITIVE, super::generic::GENERIC];
