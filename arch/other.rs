//! An ISA without primitives of its own.

use super::generic::GENERIC;
use crate::cpu::{Caches, Flag};
use crate::primitive::Primitive;
use crate::tuning::Tuning;

pub(crate) static PRIMITIVES: &[Primitive] = &[GENERIC];

pub(crate) fn caches() -> Caches {
    Caches::default()
}

pub(crate) fn flags() -> impl Iterator<Item = Flag> {
    core::iter::empty()
}

pub(crate) fn tuning() -> Tuning {
    Tuning::only(super::generic())
}
