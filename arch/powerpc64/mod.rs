//! powerpc64, big and little endian: whole cache blocks.
//!
//! Inline assembly for PowerPC is stable in Rust since 1.95. build.rs asks the compiler: an older
//! one that is allowed unstable features gets `dcbz` too, any other `generic` alone.

#[cfg(clearpage_ppc_asm)]
mod cache_block;
mod tuning;

#[cfg(clearpage_ppc_asm)]
mod dcbz;

pub(crate) use super::auxv::caches;
pub(crate) use tuning::tuning;

use crate::cpu::Flag;
use crate::primitive::Primitive;

pub(crate) static PRIMITIVES: &[Primitive] = &[
    #[cfg(clearpage_ppc_asm)]
    dcbz::PRIMITIVE,
    super::generic::GENERIC,
];

/// None: every CPU has DCBZ, and what it needs to know of it is a size.
pub(crate) fn flags() -> impl Iterator<Item = Flag> {
    core::iter::empty()
}
