//! Serves ISAs without dedicated primitives.

pub(crate) use super::anonymous as identity;
use super::generic::GENERIC;
use crate::cpu::{Caches, Facts, Flag};
use crate::primitive::Primitive;
use crate::tuning::Tuning;

pub(crate) static PRIMITIVES: &[Primitive] = &[GENERIC];

pub(crate) fn caches() -> Caches {
    Caches::default()
}

pub(crate) fn flags() -> impl Iterator<Item = Flag> {
    core::iter::empty()
}

pub(crate) const fn block() -> usize {
    0
}

/// Candidates of [`Tuning::measure`]: of each mechanism the first that is available.
pub(crate) const MECHANISMS: &[&[&str]] = &[&["generic"]];

pub(crate) fn tuning(_: &Facts) -> Tuning {
    Tuning::uniform(super::generic())
}
