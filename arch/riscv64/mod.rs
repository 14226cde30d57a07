//! riscv64: cache-block zero if the CPU has it, otherwise doubleword stores.

mod hwprobe;

mod cbo_zero;
mod sd;

pub(crate) use super::generic::*;
pub(crate) use hwprobe::flags;

use crate::primitive::named;
use crate::tuning::Row;

super::rows! {cbo_zero::PRIMITIVE, sd::PRIMITIVE, GENERIC}

/// The first that is available serves every length and intent: a block at a time saves both the
/// instructions and the reading of lines that are about to be overwritten, and no store of the base
/// ISA bypasses the cache. Not measured: emulators report no speed. Linux's `clear_page` does so.
pub(crate) const MECHANISMS: &[&[Row]] = &[&[named("cbo_zero")], &[named("sd")]];

/// Returns the block size of `cbo.zero`; 0 if it is unavailable.
pub(crate) fn block() -> usize {
    hwprobe::BLOCK.get().unwrap_or(0)
}

/// Takes the block size from a kernel instead of detecting it.
pub(crate) fn declare_block(bytes: usize) {
    hwprobe::BLOCK.set(bytes);
}
