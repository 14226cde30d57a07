//! An ISA without primitives of its own.

use super::generic::GENERIC;
pub(crate) use super::generic::zero_small;
use crate::cpu::{Caches, Flag};
use crate::primitive::{Available, Primitive};
use crate::tuning::Tuning;

pub(crate) static PRIMITIVES: &[Primitive] = &[GENERIC];

pub(crate) fn caches() -> Caches {
    Caches::default()
}

pub(crate) fn model() -> u64 {
    0
}

pub(crate) fn flags() -> impl Iterator<Item = Flag> {
    core::iter::empty()
}

pub(crate) fn tuning() -> Tuning {
    // SAFETY: word stores need nothing of the CPU.
    Tuning::only(unsafe { Available::new_unchecked(&PRIMITIVES[0]) })
}
