//! Which primitive serves which length on s390x, from cache sizes.
//!
//! None of it was measured: emulators say nothing of speed. What it rests on:
//! - XC leaves the lines in the cache. Linux clears every page so: its `clear_page` is a memset,
//!   whose zero case is a loop of XC, where it once was an MVCL.
//! - MVCLE starts a millicode routine first, and may leave the caches alone. The memset of the GNU
//!   C library goes over to it past 40 MiB on z10 and past 256 MiB on z196 and newer: about where
//!   a range outgrows the last cache. z/OS clears each page frame with MVCL, its sibling.
//!
//! So XC is the default; hot and Auto leave it for MVCLE where the range outgrows the last cache
//! that the CPU tells of, cold from one page on.

use super::PRIMITIVES;
use crate::cpu::Caches;
use crate::tuning::{Ladder, Tuning};
use crate::primitive::{Available, Primitive};

/// The piece that MVCLE's millicode clears at once; shorter ranges have no whole one.
const COLD_START: usize = 4 << 10;
/// The last cache where the CPU hides its own: that of the oldest, z10.
const LAST_CACHE: usize = 32 << 20;

pub(crate) fn tuning() -> Tuning {
    tuning_for(super::caches())
}

fn tuning_for(caches: Caches) -> Tuning {
    let xc = always(&PRIMITIVES[0]);
    let mvcle = always(&PRIMITIVES[1]);
    let last = caches.l3.max(caches.l2);
    let last = if last == 0 { LAST_CACHE } else { last };
    let hot = Ladder::new(xc).then(last, mvcle);
    Tuning { auto: hot, hot, cold: Ladder::new(xc).then(COLD_START, mvcle) }
}

const fn always(row: &'static Primitive) -> Available {
    // SAFETY: every z/Architecture CPU has both.
    unsafe { Available::new_unchecked(row) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intent::Intent;

    const MIB: usize = 1 << 20;
    const NAMES: [&str; 2] = ["xc", "mvcle"];

    fn served(caches: Caches, intent: Intent, lengths: [usize; 2]) -> [&'static str; 2] {
        lengths.map(|len| tuning_for(caches).choose(intent, len).name())
    }

    #[test]
    fn hot_and_auto_leave_xc_with_the_last_cache() {
        let z14 = Caches { l1d: 128 << 10, l2: 4 * MIB, l3: 128 * MIB };
        for intent in [Intent::Hot, Intent::Auto] {
            assert_eq!(served(z14, intent, [0, 128 * MIB]), NAMES);
            assert_eq!(served(z14, intent, [64 * MIB, 256 * MIB]), NAMES);
        }
    }

    #[test]
    fn hidden_caches_are_those_of_z10() {
        assert_eq!(served(Caches::default(), Intent::Auto, [31 * MIB, 32 * MIB]), NAMES);
    }

    #[test]
    fn cold_pages_are_mvcle_s() {
        assert_eq!(served(Caches::default(), Intent::Cold, [4095, 4096]), NAMES);
    }
}
