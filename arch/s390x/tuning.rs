//! Chooses the primitive for each intent and length on s390x, from cache sizes.
//!
//! Nothing here was measured, because emulators have no meaningful speed. The choice rests on:
//! - XC leaves the lines in the cache. Linux clears every page with it: its `clear_page` is a
//!   memset, whose zero case is a loop of XC, where it once was an MVCL.
//! - MVCLE starts a millicode routine first, and may bypass the caches. The memset of the GNU C
//!   library switches to it past 40 MiB on z10 and past 256 MiB on z196 and newer: about where a
//!   range outgrows the last cache. z/OS clears each page frame with MVCL, its sibling.
//!
//! So XC is the default. Hot and Auto use MVCLE for ranges that outgrow the last cache that the CPU
//! reports, Cold from one page on.

use crate::cpu::Facts;
use crate::primitive::named;
use crate::tuning::{Ladder, Row, Tuning};

/// The piece that MVCLE's millicode clears at once. Shorter ranges contain no whole one.
const COLD_START: usize = 4 << 10;
/// Assumed if the CPU hides its caches: the last cache of the oldest, z10.
const LAST_CACHE: usize = 32 << 20;

/// What [`candidates`](crate::candidates) chooses from: of each mechanism the first that is available.
pub(crate) const MECHANISMS: &[&[Row]] = &[&[named("xc")], &[named("mvcle")]];

pub(crate) fn tuning(facts: &Facts) -> Tuning {
    let (xc, mvcle) = (const { named("xc").unwrap() }, const { named("mvcle").unwrap() });
    let last = facts.caches.l3.max(facts.caches.l2);
    let last = if last == 0 { LAST_CACHE } else { last };
    let hot = Ladder::new(xc).then(last, mvcle);
    Tuning::of(hot, hot, Ladder::new(xc).then(COLD_START, mvcle))
}
