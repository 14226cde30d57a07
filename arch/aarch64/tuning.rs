//! Chooses the primitive for each intent and length on aarch64, by feature bits and DC ZVA's block.
//!
//! Nothing here was measured: the choices are those of Arm's optimized-routines, glibc and Linux,
//! whose authors measured. Caches are usually unknown, since EL0 cannot read their registers.
//! - With MOPS: `mops` for everything. It is specified to suit all sizes, so that software need not
//!   choose, and glibc's memset and Linux's clear_page use it if it is available.
//! - On CPUs where DC ZVA saves nothing ([`ZVA_SAVES_NOTHING`]): as with neither.
//! - With DC ZVA: `stp` for ranges of a few blocks, since partial blocks at the ends need other
//!   stores anyway; then `dc_zva`, for every intent: it has no non-temporal form, and needs none,
//!   since it never reads the line and cores stream long runs of it.
//! - With neither (a hypervisor prohibits DC ZVA): `stp` if the memory will be used, `stnp` if it
//!   will not, or if it cannot all stay in the cache.
//!
//! `mte` is never chosen: it costs more, and matters to tagged memory alone.

use crate::cpu::{Facts, Vendor};
use crate::page::PAGE_SIZE;
use crate::primitive::named;
use crate::tuning::{Ladder, Row, Tuning};

/// Below this, and below four blocks, DC ZVA saves nothing; a page is cleared by it in any case.
const ZVA_START: usize = 256;
/// From here on a cold range is kept out of the cache; the hint needs no fence.
const STREAM_START: usize = 4 << 10;
/// Assumed for an unknown last-level cache. It is a server's, because a range that leaves the cache
/// too early costs its user more than one that leaves it too late.
const LAST_CACHE: usize = 32 << 20;

/// CPUs by implementer and part number (MIDR_EL1) whose memset in glibc avoids DC ZVA, because its
/// authors measured no gain: HiSilicon Kunpeng 920 (commit b68fabfbbc, 2019) and Ampere eMAG
/// (525de033a9, 2018).
const ZVA_SAVES_NOTHING: [(Vendor, u32); 2] =
    [(Vendor::named("0x48").unwrap(), 0xd01), (Vendor::named("0x50").unwrap(), 0x000)];

fn zva_saves_nothing(facts: &Facts) -> bool {
    ZVA_SAVES_NOTHING.contains(&(facts.vendor, facts.model))
}

/// What [`candidates`](crate::candidates) chooses from: of each mechanism the first that is available.
pub(crate) const MECHANISMS: &[&[Row]] =
    &[&[named("dc_zva")], &[named("mops")], &[named("stp")], &[named("stnp")]];

pub(crate) fn tuning(facts: &Facts) -> Tuning {
    if let Some(mops) = facts.usable(const { named("mops") }) {
        return Tuning::uniform(mops);
    }
    let short = const { named("stp").unwrap() };
    if let Some(zva) = facts.usable(const { named("dc_zva") }).filter(|_| !zva_saves_nothing(facts))
    {
        let from = (4 * facts.block).clamp(ZVA_START, PAGE_SIZE);
        let ladder = Ladder::new(short).then(from, zva);
        return Tuning::of(ladder, ladder, ladder);
    }
    let stream = const { named("stnp").unwrap() };
    let last = facts.caches.l3.max(facts.caches.l2);
    let last = if last == 0 { LAST_CACHE } else { last };
    let kept = Ladder::new(short).then(last, stream);
    Tuning::of(kept, kept, Ladder::new(short).then(STREAM_START, stream))
}
