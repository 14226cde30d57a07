//! Which primitive serves which length on 32-bit x86, from feature bits and cache sizes.
//!
//! Nothing was measured in 32-bit mode: the crossings are those of x86_64, whose CPUs run this
//! code too, without the rows that only x86_64 has. By what the memory is for:
//! - Hot, Auto: SSE2 stores, then `rep stosb` where it is fast; past the last level nothing stays,
//!   so as cold.
//! - Cold: the same below 8 KiB, where draining the write-combining buffers costs more than it
//!   saves; then non-temporal stores.

use super::cpuid;
use crate::arch::generic;
use crate::cpu::Caches;
use crate::primitive::{Available, usable};
use crate::tuning::{Ladder, Tuning};

/// `rep stosb` starts slowly: below this, vector stores are ahead even on CPUs where it is best.
const STRING_START: usize = 2 << 10;
/// From here on a cold range is worth the fence.
const STREAM_START: usize = 8 << 10;
/// The last-level cache where the CPU does not tell.
const LAST_LEVEL: usize = 8 << 20;

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
        let short = self.first(&["sse2", if_erms("stosb"), "stosd"]).unwrap_or_else(generic);
        let long = self.first(&[if_erms("stosb")]).unwrap_or(short);
        let stream = self.first(&["movntdq", if_erms("stosb"), "movnti"]).unwrap_or(long);

        let Caches { l2, l3, .. } = self.caches;
        let last = if l3 == 0 { l2.max(LAST_LEVEL) } else { l3 };
        let kept = Ladder::new(short).then(STRING_START, long);
        let hot = kept.then(last, stream);
        Tuning { auto: hot, hot, cold: kept.then(STREAM_START, stream) }
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

    const DESKTOP: Caches = Caches { l1d: 32 * KIB, l2: 256 * KIB, l3: 4 * MIB };
    const GENERAL: [&str; 3] = ["stosb", "stosd", "movnti"];

    #[test]
    #[cfg(target_feature = "sse2")]
    fn ivy_bridge_has_erms() {
        let has = [&GENERAL[..], &["sse2", "movntdq"]].concat();
        let of = |intent| steps(true, DESKTOP, &has, intent);
        let string = [("sse2", 0), ("stosb", 2 * KIB), ("movntdq", 4 * MIB)];
        assert_eq!(of(Intent::Hot), string);
        assert_eq!(of(Intent::Auto), string);
        assert_eq!(of(Intent::Cold), [("sse2", 0), ("stosb", 2 * KIB), ("movntdq", 8 * KIB)]);
    }

    #[test]
    #[cfg(target_feature = "sse2")]
    fn pentium_4_has_no_erms_and_hides_its_caches() {
        let has = [&GENERAL[..], &["sse2", "movntdq"]].concat();
        let of = |intent| steps(false, Caches::default(), &has, intent);
        assert_eq!(of(Intent::Hot), [("sse2", 0), ("movntdq", 8 * MIB)]);
        assert_eq!(of(Intent::Cold), [("sse2", 0), ("movntdq", 8 * KIB)]);
    }

    #[test]
    fn kernels_get_general_registers_only() {
        let of = |erms, intent| steps(erms, DESKTOP, &GENERAL, intent);
        assert_eq!(of(true, Intent::Hot), [("stosb", 0)]);
        assert_eq!(of(true, Intent::Cold), [("stosb", 0)]);
        assert_eq!(of(false, Intent::Hot), [("stosd", 0), ("movnti", 4 * MIB)]);
        assert_eq!(of(false, Intent::Cold), [("stosd", 0), ("movnti", 8 * KIB)]);
    }

    #[test]
    fn pentium_3_has_strings_only() {
        let of = |intent| steps(false, Caches::default(), &["stosb", "stosd"], intent);
        assert_eq!(of(Intent::Hot), [("stosd", 0)]);
        assert_eq!(of(Intent::Cold), [("stosd", 0)]);
    }

    #[test]
    fn generic_is_the_last_resort_and_the_last_row() {
        assert_eq!(generic().primitive().name(), "generic");
        assert_eq!(steps(true, DESKTOP, &[], Intent::Auto), [("generic", 0)]);
    }
}
