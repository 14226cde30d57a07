//! powerpc64, big and little endian: whole cache blocks.
//!
//! Inline assembly for PowerPC is stable in Rust since 1.95. build.rs asks the compiler: an older
//! one that is allowed unstable features gets `dcbz` too, any other `generic` alone.

#[cfg(clearpage_ppc_asm)]
mod cache_block;
mod tuning;

#[cfg(clearpage_ppc_asm)]
mod dcbz;

pub(crate) use super::anonymous as identity;
pub(crate) use super::auxv::caches;
pub(crate) use tuning::MECHANISMS;
pub(crate) use tuning::tuning;

#[cfg(clearpage_ppc_asm)]
use crate::cpu::Feature;
use crate::cpu::Flag;
use crate::primitive::Primitive;

pub(crate) static PRIMITIVES: &[Primitive] = &[
    #[cfg(clearpage_ppc_asm)]
    dcbz::PRIMITIVE,
    super::generic::GENERIC,
];

/// Returns DCBZ, which every CPU has. It is usable if the block size is known.
pub(crate) fn flags() -> impl Iterator<Item = Flag> {
    #[cfg(clearpage_ppc_asm)]
    return [Flag {
        feature: Feature::Dcbz,
        set: cache_block::BLOCK.get().is_ok(),
        source: "AT_DCACHEBSIZE",
    }]
    .into_iter();
    #[cfg(not(clearpage_ppc_asm))]
    return core::iter::empty();
}

/// Returns the block size of DCBZ; 0 if it is unknown.
pub(crate) fn block() -> usize {
    #[cfg(clearpage_ppc_asm)]
    return cache_block::BLOCK.get().unwrap_or(0);
    #[cfg(not(clearpage_ppc_asm))]
    return 0;
}
