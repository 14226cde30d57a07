//! Chooses the primitive for each intent and length on x86 and x86_64.
//!
//! The choice depends on mechanism and width, so that it also suits CPUs that were not measured.
//! Figures: `results/`, and the sources named at each quirk.
//!
//! - **Hot**: vector stores for short ranges, then `rep stosb`, which writes lines without fetching
//!   them. AMD, from the first-level cache on: memory that is used after the clear is ready 1.2 to
//!   1.5 times as fast (Zen 5, 64 to 512 KiB), or as fast (Zen 4). CPUs with FSRS, from 16 KiB on:
//!   1.3 times at 16 KiB, 1.2 times up to 4 MiB (Emerald Rapids). Other CPUs, from the second-level
//!   cache on: below it, Skylake's `rep stosb` is half as fast as vector stores. Ranges past the
//!   last-level cache do not stay cached, so they are served as Cold.
//! - **Cold**: vector stores below 8 KiB, where the fence costs more than it saves, or below 4 KiB
//!   on Intel CPUs with FSRS; then one stream of 32-byte non-temporal stores, as in glibc,
//!   AOCL-LibMem and Go. On every measured CPU it reaches 0.90 of the fastest or better; CLZERO
//!   reaches 0.83, 16-byte stores 0.58.
//! - **Auto**: as Hot, but `rep stosb` from 32 KiB on at the latest, as in memset of glibc < 2.40.

use crate::arch::generic;
use crate::cpu::{Caches, Facts, Feature, Vendor};
use crate::primitive::{Primitive, named};
use crate::tuning::{Ladder, Row, Tuning};

/// Below this `rep stosb`, which starts slowly, loses to 16-byte stores even on its best CPUs.
const STRING_START: usize = 2 << 10;
/// From here on a cold range is worth the fence: 1.2 times vector stores on Zen 4, 1.27 on Zen 5.
const STREAM_START: usize = 8 << 10;
/// The same on Intel CPUs with FSRS: 4 KiB that are not cached are cleared 1.13 times as fast as by
/// vector stores on Emerald Rapids, but 0.77 times as fast on Zen 4 and Zen 5.
const STREAM_START_FSRS: usize = 4 << 10;
/// From here on Auto gives up the lead of vector stores on cached memory for uncached memory.
const AUTO_STRING: usize = 32 << 10;
/// The same with FSRS: `rep stosb` starts fast, but at 4 KiB it is no faster than vector stores.
const STRING_START_FSRS: usize = 16 << 10;
/// Maximum that counts of a last-level cache shared by a whole socket; AMD reports that of a core
/// complex. Emerald Rapids reports 300 MiB: there, clearing and using 64 MiB is 1.4 times as fast
/// with non-temporal stores if the memory is not cached, and 0.7 times as fast if it is.
const MOST_SHARED: usize = 32 << 20;
/// Assumed for a cache size that the CPU does not report. A stream that starts too early costs more
/// (5 times, on use) than one that starts too late (2.5 times), so the last level is a large one.
const UNKNOWN: Caches = Caches { l1d: 32 << 10, l2: 256 << 10, l3: 32 << 20 };

/// A special case of a CPU, by vendor, family and model. Hypervisors invent these numbers: a wrong
/// one must cost at most 10 % on the mean of an intent, which `cli/tests/gallery.rs` checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quirk {
    /// Cold is served by CLZERO.
    ///
    /// AMD Zen 3 (EPYC 7J13, 2022-06): 39 to 46 GB/s, 8-byte non-temporal stores 18, `rep stosb` 13
    /// to 36; 32-byte stores unpublished. Source: A. Arora, "huge page clearing optimizations",
    /// linux-mm. Zen 4 is faster with vectors. It has AVX-512, so a CPU with it is no Zen 3.
    ColdByClzero,
    /// Auto streams from half of the last-level cache on.
    ///
    /// AMD Zen 4 (EPYC, 2026-11): at 16 MiB, half of its third-level cache, `rep stosb` takes 2.8
    /// times as long as a stream if the memory is not cached. On the mean of cold, use and reuse it
    /// takes 1.7 times the best, a stream 1.4 times. Zen 5: 1.8, 1.3 and 1.6. Source: `results/`.
    SlowColdStrings,
    /// `rep stosb` serves ranges longer than the last-level cache, except for Cold; and Cold too if
    /// there are no vectors.
    ///
    /// Intel Skylake-SP, Cascade Lake, Cooper Lake, one model number (Xeon 8270CL, 2022-06): from
    /// 128 MiB on `rep stosb` 6.5 GB/s, non-temporal stores 6.3, in the cache 20 against 6. Same
    /// source. glibc 2.40 disables non-temporal memset on these CPUs and Cannon Lake.
    StringPastCache,
}

fn quirk(facts: &Facts) -> Option<Quirk> {
    // Not a match of the vendor, which would compare byte by byte.
    let (amd, intel) = (facts.vendor == Vendor::AMD, facts.vendor == Vendor::INTEL);
    match (facts.family, facts.model) {
        (0x19, 0x00..=0x0f | 0x20..=0x5f) if amd && !facts.has(Feature::Avx512f) => {
            Some(Quirk::ColdByClzero)
        }
        (0x19, 0x10..=0x1f | 0x60..=0xaf) if amd => Some(Quirk::SlowColdStrings),
        (0x06, 0x55 | 0x66) if intel => Some(Quirk::StringPastCache),
        _ => None,
    }
}

/// What [`candidates`](crate::candidates) chooses from: of each mechanism the first that is available.
pub(crate) const MECHANISMS: &[&[Row]] =
    &[&[AVX2, SSE2], &[STOSB], &[MOVNTDQ_AVX2, MOVNTDQ], &[CLZERO, MOVNTI]];

const STOSB: Row = named("stosb");
/// `stosq`, or `stosd` on x86.
const WORDS: Row = match named("stosq") {
    None => named("stosd"),
    row => row,
};
const SSE2: Row = named("sse2");
const AVX2: Row = named("avx2");
const MOVNTI: Row = named("movnti");
const MOVNTDQ: Row = named("movntdq");
const MOVNTDQ_AVX2: Row = named("movntdq_avx2");
const CLZERO: Row = named("clzero");

pub(crate) fn tuning(facts: &Facts) -> Tuning {
    choose(facts, |_| true)
}

fn choose(facts: &Facts, allowed: impl Fn(&Primitive) -> bool) -> Tuning {
    let usable = |row| facts.usable(row).filter(|row| allowed(row));
    let quirk = quirk(facts);
    let caches = caches(facts.caches);

    let string = if facts.has(Feature::Erms) { usable(STOSB) } else { None };
    let wide = usable(AVX2);
    let plain = wide.or_else(|| usable(SSE2)).or(string);
    let short = plain.or_else(|| usable(WORDS)).unwrap_or_else(generic);
    let long = string.unwrap_or(short);

    let amd = facts.vendor == Vendor::AMD || facts.vendor == Vendor::HYGON;
    let string_start = match wide {
        None => STRING_START,
        Some(_) if amd => caches.l1d,
        Some(_) if facts.has(Feature::Fsrs) => STRING_START_FSRS,
        Some(_) => caches.l2,
    };
    let intel_fsrs = facts.vendor == Vendor::INTEL && facts.has(Feature::Fsrs);
    let stream_start = if intel_fsrs { STREAM_START_FSRS } else { STREAM_START };
    let last = if amd { caches.l3 } else { caches.l3.min(MOST_SHARED) };
    let kept = |from: usize| Ladder::new(short).then(from, long);

    // The widest; CLZERO before 16 and 8 bytes, which reach 0.7 and 0.5 of the speed on Zen 4.
    let vectors = || usable(MOVNTDQ_AVX2).or_else(|| usable(MOVNTDQ));
    let words = || usable(MOVNTI);
    let stream = match quirk {
        Some(Quirk::ColdByClzero) => usable(CLZERO).or_else(vectors).or_else(words),
        Some(Quirk::StringPastCache) => vectors(),
        _ => usable(MOVNTDQ_AVX2)
            .or_else(|| usable(CLZERO))
            .or_else(|| usable(MOVNTDQ))
            .or_else(words),
    };
    let stream = stream.unwrap_or(long);
    let past = if quirk == Some(Quirk::StringPastCache) { long } else { stream };
    let mut cold = kept(string_start).then(stream_start, stream);
    if amd && MOVNTI == Some(stream) {
        // Past the last-level cache AMD's `rep stosb` stops fetching lines. On Zen 4 it rises from
        // 28 GB/s to 74 there, while MOVNTI stays at 39.
        cold = cold.then(caches.l3, string.unwrap_or(stream));
    }
    let auto_last = if quirk == Some(Quirk::SlowColdStrings) { last / 2 } else { last };
    let auto = kept(string_start.min(AUTO_STRING)).then(auto_last, past);
    Tuning::of(auto, kept(string_start).then(last, past), cold)
}

/// Returns plausible cache sizes: a hypervisor may hide them, or report impossible ones.
fn caches(Caches { l1d, l2, l3 }: Caches) -> Caches {
    let l1d = if l1d == 0 { UNKNOWN.l1d } else { l1d };
    let l2 = if l2 < l1d { UNKNOWN.l2.max(l1d) } else { l2 };
    let l3 = if l3 < l2 { UNKNOWN.l3.max(l2) } else { l3 };
    Caches { l1d, l2, l3 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::Isa;
    use crate::intent::Intent::{Cold, Hot};
    use crate::primitive::RegisterFile;
    use Feature::{Clzero, Erms, Sse2};

    /// Kernels lack the rows with vector registers; `tests/cpus.rs` runs where they exist.
    #[test]
    fn kernels_get_general_registers_only() {
        let (x86_64, mib) = (cfg!(target_arch = "x86_64"), 1 << 20);
        let check = |cpu: (Vendor, u32, u32), features: &[Feature], intent, expected: &[_]| {
            let mut facts = Facts::unknown(Isa::BUILT_FOR);
            (facts.vendor, facts.family, facts.model) = cpu;
            facts.features = features.iter().copied().collect();
            facts.caches = Caches { l1d: 32 << 10, l2: mib, l3: 32 * mib };
            let tuning = choose(&facts, |row| row.registers() == RegisterFile::General);
            let steps = tuning.steps(intent).map(|(from, row)| (row.name(), from));
            assert_eq!(steps.collect::<Vec<_>>(), expected, "{facts:?}");
        };
        let zen_4 = (Vendor::AMD, 0x19, 0x11);
        if x86_64 {
            let features = [Sse2, Erms, Clzero];
            check(zen_4, &features, Hot, &[("stosb", 0), ("clzero", 32 * mib)]);
            check(zen_4, &features, Cold, &[("stosb", 0), ("clzero", 8 << 10)]);
        }
        let past = ("stosb", 32 * mib);
        check(zen_4, &[Sse2, Erms], Cold, &[("stosb", 0), ("movnti", 8 << 10), past]);
        let (ice_lake, skylake) = ((Vendor::INTEL, 6, 0x6a), (Vendor::INTEL, 6, 0x55));
        check(ice_lake, &[Sse2, Erms], Hot, &[("stosb", 0), ("movnti", 32 * mib)]);
        check(ice_lake, &[Sse2, Erms], Cold, &[("stosb", 0), ("movnti", 8 << 10)]);
        check(skylake, &[Sse2, Erms], Cold, &[("stosb", 0)]);
        let narrow = if x86_64 { "stosq" } else { "stosd" };
        check((Vendor::UNKNOWN, 6, 0), &[Sse2], Cold, &[(narrow, 0), ("movnti", 8 << 10)]);
    }
}
