//! powerpc64, big and little endian: whole cache blocks.
//!
//! Inline assembly for PowerPC is stable since Rust 1.95. An older compiler builds this folder only
//! if it permits unstable features; `build.rs` selects `generic` otherwise.

mod cache_block;

mod dcbz;

pub(crate) use super::generic::*;

use crate::cpu::{Feature, Flag};
use crate::primitive::named;
use crate::tuning::Row;

super::rows! {dcbz::PRIMITIVE, GENERIC}

/// The first that is available serves every length and intent: DCBZ makes a block in the cache
/// without reading it first, and no store bypasses the cache. Not measured: emulators report no
/// speed. Linux clears its pages the same way.
pub(crate) const MECHANISMS: &[&[Row]] = &[&[named("dcbz")], &[named("generic")]];

/// Returns DCBZ, which every CPU has. It is usable if the block size is known.
pub(crate) fn flags() -> impl Iterator<Item = Flag> {
    let set = cache_block::BLOCK.get().is_ok();
    [Flag { feature: Feature::Dcbz, set, source: "AT_DCACHEBSIZE" }].into_iter()
}

/// Returns the block size of DCBZ; 0 if it is unknown.
pub(crate) fn block() -> usize {
    cache_block::BLOCK.get().unwrap_or(0)
}

/// Takes the block size from a kernel instead of detecting it.
pub(crate) fn declare_block(bytes: usize) {
    cache_block::BLOCK.set(bytes);
}
