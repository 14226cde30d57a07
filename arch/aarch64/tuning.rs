//! Which primitive serves which length on aarch64, from feature bits and DC ZVA's block.
//!
//! Nothing here was measured: the choices are those that Arm's optimized-routines, glibc and Linux
//! made, whose authors did. Caches are not known, since EL0 cannot read their registers.
//! - With MOPS: `mops` for everything. It is specified to suit all sizes, so that software need
//!   not choose, and glibc's memset and Linux's clear_page use it wherever it is there.
//! - With DC ZVA: `stp` for ranges of a few blocks, since what is not a whole block at either end
//!   is stored one way or the other; then `dc_zva`, for every intent: it has no non-temporal
//!   form, and needs none, since it never reads the line and cores stream long runs of it.
//! - With neither (a hypervisor prohibits DC ZVA): `stp` where the memory will be used, `stnp`
//!   where it will not, or where it cannot all stay in the cache.
//!
//! `mte` is never chosen: it costs more, and matters to tagged memory alone.

use crate::arch::generic;
use super::ident::Dczid;
use crate::tuning::{Ladder, Tuning};
use crate::page::PAGE_SIZE;
use crate::primitive::{Available, usable};

/// Below this, and below four blocks, DC ZVA saves nothing; a page is cleared by it in any case.
const ZVA_START: usize = 256;
/// From here on a cold range is kept out of the cache; a hint needs no fence to pay for.
const STREAM_START: usize = 4 << 10;
/// Taken for the size of the last-level cache, which is not known.
const LAST_CACHE: usize = 8 << 20;

/// What the choice is made from.
struct Facts<'a> {
    zva_block: usize,
    has: &'a dyn Fn(&str) -> Option<Available>,
}

pub(crate) fn tuning() -> Tuning {
    Facts { zva_block: Dczid::read().block(), has: &usable }.tuning()
}

impl Facts<'_> {
    fn tuning(&self) -> Tuning {
        if let Some(mops) = (self.has)("mops") {
            return Tuning::only(mops);
        }
        let short = (self.has)("stp").unwrap_or_else(generic);
        if let Some(zva) = (self.has)("dc_zva") {
            let from = (4 * self.zva_block).clamp(ZVA_START, PAGE_SIZE);
            let ladder = Ladder::new(short).then(from, zva);
            return Tuning { auto: ladder, hot: ladder, cold: ladder };
        }
        let stream = (self.has)("stnp").unwrap_or(short);
        let kept = Ladder::new(short).then(LAST_CACHE, stream);
        Tuning { auto: kept, hot: kept, cold: Ladder::new(short).then(STREAM_START, stream) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intent::Intent;
    use crate::tuning::testing::{self, cpu_with};

    const KIB: usize = 1 << 10;
    const MIB: usize = 1 << 20;

    /// The plan of a CPU with these facts: who serves from how many bytes on, under one intent.
    fn steps(zva_block: usize, has: &[&str], intent: Intent) -> Vec<(&'static str, usize)> {
        let tuning = Facts { zva_block, has: &cpu_with(has) }.tuning();
        testing::steps(&tuning, intent)
    }

    const ALWAYS: [&str; 2] = ["stp", "stnp"];

    #[test]
    fn most_cpus_have_dc_zva_of_a_line() {
        for intent in Intent::ALL {
            let has = [&ALWAYS[..], &["dc_zva"]].concat();
            assert_eq!(steps(64, &has, intent), [("stp", 0), ("dc_zva", 256)]);
        }
    }

    #[test]
    fn larger_blocks_start_later_but_serve_every_page() {
        let has = [&ALWAYS[..], &["dc_zva"]].concat();
        let from = |block| steps(block, &has, Intent::Hot);
        assert_eq!(from(4), [("stp", 0), ("dc_zva", 256)]);
        assert_eq!(from(256), [("stp", 0), ("dc_zva", KIB)]);
        assert_eq!(from(512), [("stp", 0), ("dc_zva", 2 * KIB)]);
        assert_eq!(from(2048), [("stp", 0), ("dc_zva", PAGE_SIZE.min(8 * KIB))]);
    }

    #[test]
    fn mops_serves_everything() {
        let has = [&ALWAYS[..], &["dc_zva", "mops", "mte"]].concat();
        for intent in Intent::ALL {
            assert_eq!(steps(64, &has, intent), [("mops", 0)]);
            assert_eq!(steps(64, &["stp", "stnp", "mops"], intent), [("mops", 0)]);
        }
    }

    #[test]
    fn where_dc_zva_is_prohibited_pairs_serve_by_intent() {
        let of = |intent| steps(64, &ALWAYS, intent);
        assert_eq!(of(Intent::Hot), [("stp", 0), ("stnp", 8 * MIB)]);
        assert_eq!(of(Intent::Auto), [("stp", 0), ("stnp", 8 * MIB)]);
        assert_eq!(of(Intent::Cold), [("stp", 0), ("stnp", 4 * KIB)]);
    }

    #[test]
    fn tags_are_never_set_unasked() {
        for rest in [&["dc_zva", "mte"][..], &["mte"]] {
            let has = [&ALWAYS[..], rest].concat();
            for intent in Intent::ALL {
                assert!(steps(64, &has, intent).iter().all(|step| step.0 != "mte"));
            }
        }
    }

    #[test]
    fn generic_is_the_last_resort_and_the_last_row() {
        assert_eq!(generic().primitive().name(), "generic");
        assert_eq!(steps(64, &[], Intent::Auto), [("generic", 0)]);
    }
}
