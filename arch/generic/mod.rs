//! Contains portable Rust for every target: the last row of every table, and the defaults of all
//! that an ISA does not define. Like asm, the stores are compiled without ASan's checks, because
//! `src/door.rs` has the whole range checked first.

mod small;
pub(crate) mod tags;
mod words;

pub(crate) use small::{SHORT, is_short, zero_small};
pub(super) use words::PRIMITIVE as GENERIC;

use super::auxv::auxv;
use crate::cpu::{Caches, Facts, Flag, Isa};
use crate::primitive::named;
use crate::tuning::{Row, Tuning};

super::rows! {GENERIC}

/// What [`candidates`](crate::candidates) chooses from: of each mechanism the first that is available.
pub(crate) const MECHANISMS: &[&[Row]] = &[&[named("generic")]];

/// Uses the first mechanism that the CPU has for every length and intent.
pub(crate) fn tuning(facts: &Facts) -> Tuning {
    let mut rows = super::MECHANISMS.iter().copied().flatten();
    Tuning::uniform(rows.find_map(|&row| facts.usable(row)).unwrap_or_else(super::generic))
}

pub(crate) const fn identity() -> Facts {
    Facts::unknown(Isa::BUILT_FOR)
}

pub(crate) fn flags() -> impl Iterator<Item = Flag> {
    core::iter::empty()
}

/// Returns 0, because no instruction has a block size to detect.
pub(crate) const fn block() -> usize {
    0
}

/// Does nothing, because no instruction has a block size that a kernel could declare.
pub(crate) const fn declare_block(_: usize) {}

/// Returns the data cache sizes in bytes, 0 if unknown: `AT_L1D_CACHESIZE`, `AT_L2_CACHESIZE` and
/// `AT_L3_CACHESIZE`, which Linux reports on PowerPC and RISC-V.
pub(crate) fn caches() -> Caches {
    Caches { l1d: auxv(42), l2: auxv(44), l3: auxv(46) }
}
