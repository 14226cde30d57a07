//! Which primitive serves which length on x86_64, from feature bits and cache sizes.
//!
//! The crossings were measured on Zen 5; what is said of other CPUs is from their makers'
//! optimisation guides. By what the memory is for:
//! - Hot: vector stores while the range fits the second-level cache, then `rep stosb`, which
//!   beats them once lines must be fetched; past the last level nothing stays, so as cold.
//! - Cold: vector stores below 8 KiB, where draining the write-combining buffers costs more than
//!   it saves; then CLZERO on four pages abreast, or non-temporal stores.
//! - Auto: as hot below 32 KiB; then `rep stosb`, which is never worse than memset, hot or cold;
//!   past the last level as cold.
//!
//! Some rows are never chosen where another is there. Two 32-byte stores a cycle are no slower
//! than one of 64, which lowers the clock of the first CPUs that have it. Write-combining buffers
//! fill at the speed of memory, whatever the width; 16 bytes are 3 to 7 % ahead of more from 32 to
//! 128 KiB. Four streams of CLZERO are ahead of one there too, and level elsewhere; four of
//! non-temporal stores were not ahead of one, so there is no such row.

use super::cpuid;
use crate::arch::generic;
use crate::cpu::Caches;
use crate::primitive::{Available, usable};
use crate::tuning::{Ladder, Tuning};

/// `rep stosb` starts slowly: below this, vector stores are ahead even on CPUs where it is best.
const STRING_START: usize = 2 << 10;
/// From here on a cold range is worth the fence.
const STREAM_START: usize = 8 << 10;
/// From here on Auto gives up the hot path's lead for the cold case.
const AUTO_STRING: usize = 32 << 10;

/// What the choice is made from.
struct Facts<'a> {
    erms: bool,
    caches: Caches,
    has: &'a dyn Fn(&str) -> Option<Available>,
}

pub(crate) fn tuning() -> Tuning {
    Facts { erms: cpuid::erms(), caches: cpuid::caches(), has: &usable }.tuning()
}

impl Facts<'_> {
    fn tuning(&self) -> Tuning {
        let if_erms = |name| if self.erms { name } else { "" };
        let wide = self.first(&["avx2"]);
        let string = self.first(&[if_erms("stosb")]);
        let narrow = self.first(&["sse2"]).or(string).or(self.first(&["stosq"]));

        let short = wide.or(narrow).unwrap_or_else(generic);
        let long = string.unwrap_or(short);
        let stream = self.first(&["clzero_abreast", "movntdq", if_erms("stosb"), "movnti"]);
        let stream = stream.unwrap_or(long);

        // Hypervisors may hide the caches: then what nearly every CPU has.
        let Caches { l2, l3, .. } = self.caches;
        let l2 = if l2 == 0 { 256 << 10 } else { l2 };
        let last = if l3 == 0 { l2.max(8 << 20) } else { l3 };
        let long_from = if wide.is_some() { l2 } else { STRING_START };

        Tuning {
            auto: Ladder::new(short).then(long_from.min(AUTO_STRING), long).then(last, stream),
            hot: Ladder::new(short).then(long_from, long).then(last, stream),
            cold: Ladder::new(short).then(long_from, long).then(STREAM_START, stream),
        }
    }

    /// The first of `names` that this build and CPU have.
    fn first(&self, names: &[&str]) -> Option<Available> {
        names.iter().find_map(|name| (self.has)(name))
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
    fn steps(
        erms: bool,
        caches: Caches,
        has: &[&str],
        intent: Intent,
    ) -> Vec<(&'static str, usize)> {
        let tuning = Facts { erms, caches, has: &cpu_with(has) }.tuning();
        testing::steps(&tuning, intent)
    }

    const SERVER: Caches = Caches { l1d: 48 * KIB, l2: MIB, l3: 32 * MIB };
    const ALWAYS: [&str; 5] = ["stosb", "stosq", "sse2", "movnti", "movntdq"];
    const AVX2: [&str; 2] = ["avx2", "movntdq_avx2"];
    const AVX512: [&str; 2] = ["avx512", "movntdq_avx512"];

    #[test]
    fn zen_5() {
        let has = [&ALWAYS[..], &AVX2, &AVX512, &["clzero", "clzero_abreast"]].concat();
        let of = |intent| steps(true, SERVER, &has, intent);
        assert_eq!(of(Intent::Hot), [("avx2", 0), ("stosb", MIB), ("clzero_abreast", 32 * MIB)]);
        assert_eq!(of(Intent::Cold), [("avx2", 0), ("clzero_abreast", 8 * KIB)]);
        assert_eq!(
            of(Intent::Auto),
            [("avx2", 0), ("stosb", 32 * KIB), ("clzero_abreast", 32 * MIB)]
        );
    }

    #[test]
    fn skylake_sp_has_no_clzero() {
        let has = [&ALWAYS[..], &AVX2, &AVX512].concat();
        let of = |intent| steps(true, SERVER, &has, intent);
        assert_eq!(of(Intent::Hot), [("avx2", 0), ("stosb", MIB), ("movntdq", 32 * MIB)]);
        assert_eq!(of(Intent::Cold), [("avx2", 0), ("movntdq", 8 * KIB)]);
    }

    #[test]
    fn zen_2_has_clzero_but_no_erms() {
        let has = [&ALWAYS[..], &AVX2, &["clzero", "clzero_abreast"]].concat();
        let of = |intent| steps(false, SERVER, &has, intent);
        assert_eq!(of(Intent::Hot), [("avx2", 0), ("clzero_abreast", 32 * MIB)]);
        assert_eq!(of(Intent::Cold), [("avx2", 0), ("clzero_abreast", 8 * KIB)]);
        assert_eq!(of(Intent::Auto), [("avx2", 0), ("clzero_abreast", 32 * MIB)]);
    }

    #[test]
    fn ivy_bridge_has_erms_but_no_avx2() {
        let of = |intent| steps(true, SERVER, &ALWAYS, intent);
        let string = [("sse2", 0), ("stosb", 2 * KIB), ("movntdq", 32 * MIB)];
        assert_eq!(of(Intent::Hot), string);
        assert_eq!(of(Intent::Auto), string);
        assert_eq!(of(Intent::Cold), [("sse2", 0), ("stosb", 2 * KIB), ("movntdq", 8 * KIB)]);
    }

    #[test]
    fn nehalem_has_neither_and_may_hide_its_caches() {
        let of = |caches, intent| steps(false, caches, &ALWAYS, intent);
        assert_eq!(of(Caches::default(), Intent::Hot), [("sse2", 0), ("movntdq", 8 * MIB)]);
        assert_eq!(of(Caches::default(), Intent::Cold), [("sse2", 0), ("movntdq", 8 * KIB)]);
    }

    #[test]
    fn kernels_get_general_registers_only() {
        let of = |has: &[_], erms, intent| steps(erms, SERVER, has, intent);
        let general = ["stosb", "stosq", "movnti"];
        assert_eq!(of(&general, true, Intent::Hot), [("stosb", 0)]);
        assert_eq!(of(&general, true, Intent::Cold), [("stosb", 0)]);
        assert_eq!(of(&general, false, Intent::Cold), [("stosq", 0), ("movnti", 8 * KIB)]);
        let clzero = ["stosb", "stosq", "movnti", "clzero", "clzero_abreast"];
        assert_eq!(of(&clzero, true, Intent::Cold), [("stosb", 0), ("clzero_abreast", 8 * KIB)]);
    }

    #[test]
    fn generic_is_the_last_resort_and_the_last_row() {
        assert_eq!(generic().primitive().name(), "generic");
        assert_eq!(steps(true, SERVER, &[], Intent::Auto), [("generic", 0)]);
    }
}
