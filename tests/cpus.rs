//! The default tuning of known CPUs, of each ISA: a pure function of their facts. A build tests the
//! CPUs of its own ISA.

use clearpage::cpu::Feature::{self, *};
use clearpage::cpu::{Facts, Isa, Vendor};
use clearpage::{Intent, PAGE_SIZE, Tuning, WrongIsa, primitives};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const UNKNOWN: [usize; 3] = [0; 3];

fn facts(isa: Isa, features: &[Feature], [l1d, l2, l3]: [usize; 3]) -> Facts {
    let mut facts = Facts::unknown(isa);
    facts.features = features.iter().copied().collect();
    (facts.caches.l1d, facts.caches.l2, facts.caches.l3) = (l1d, l2, l3);
    facts
}

/// Adds vendor, family and model.
fn of(vendor: &str, family: u32, model: u32, mut facts: Facts) -> Facts {
    (facts.family, facts.model) = (family, model);
    facts.vendor = Vendor::named(vendor).unwrap();
    facts
}

/// Returns the primitives of one intent, each but the first with the first length of its step.
fn steps(tuning: &Tuning, intent: Intent) -> String {
    let step = |(from, row): (usize, &clearpage::Primitive)| match from {
        0 => row.name().to_owned(),
        1..KIB => format!("{} {from}", row.name()),
        KIB..MIB => format!("{} {}K", row.name(), from / KIB),
        _ => format!("{} {}M", row.name(), from / MIB),
    };
    tuning.steps(intent).map(step).collect::<Vec<_>>().join(", ")
}

/// Checks the steps for Auto, Hot and Cold, unless the CPU is of another ISA. Builds without
/// vectors, without inline asm or under Miri lack rows.
fn check(facts: Facts, expected: [&str; 3]) {
    let has =
        |step: &str| primitives().iter().any(|row| step.split(' ').next() == Some(row.name()));
    let built = expected.iter().flat_map(|steps| steps.split(", ")).all(has);
    if facts.isa == Isa::BUILT_FOR && built {
        let tuning = Tuning::for_cpu(&facts).unwrap();
        assert_eq!(Intent::ALL.map(|intent| steps(&tuning, intent)), expected, "{facts:?}");
    }
}

#[test]
fn facts_of_another_isa_are_refused() {
    for isa in Isa::ALL {
        let made = Tuning::for_cpu(&Facts::unknown(isa));
        assert_eq!(made.is_ok(), isa == Isa::BUILT_FOR, "{isa}");
        if let Err(error) = made {
            assert_eq!(error, WrongIsa(isa));
            assert!(error.to_string().contains(isa.name()), "{error}");
        }
    }
}

/// The default for a CPU that reports nothing must run on every CPU of the ISA.
#[test]
fn without_facts_no_row_needs_a_feature() {
    let tuning = Tuning::for_cpu(&Facts::unknown(Isa::BUILT_FOR)).unwrap();
    for intent in Intent::ALL {
        assert!(tuning.steps(intent).all(|(_, row)| row.needs().is_none()));
    }
}

#[test]
fn the_facts_of_this_cpu_agree_with_availability() {
    let facts = Facts::detect();
    for row in primitives() {
        let has = row.needs().is_none_or(|feature| facts.has(feature));
        assert_eq!(has, row.available().is_ok(), "{row:?} {:?}", row.available());
    }
    for intent in Intent::ALL {
        assert!(Tuning::detect().steps(intent).all(|(_, row)| row.available().is_ok()));
    }
}

#[test]
fn without_a_tuning_of_its_own_an_isa_uses_its_first_mechanism_for_everything() {
    let of_isas: [(Isa, &[Feature], &str); 10] = [
        (Isa::Arm, &[Neon], "neon"),
        (Isa::Arm, &[], "stm"),
        (Isa::Loongarch64, &[Lsx, Lasx], "lasx"),
        (Isa::Loongarch64, &[Lsx], "lsx"),
        (Isa::Loongarch64, &[], "st_d"),
        (Isa::Powerpc64, &[Dcbz], "dcbz"),
        (Isa::Powerpc64, &[], "generic"),
        (Isa::Riscv64, &[Zicboz], "cbo_zero"),
        (Isa::Riscv64, &[], "sd"),
        (Isa::Other, &[], "generic"),
    ];
    for (isa, features, name) in of_isas {
        check(facts(isa, features, UNKNOWN), [name; 3]);
    }
}

mod x86 {
    use super::*;

    const AMD: &str = "AuthenticAMD";
    const INTEL: &str = "GenuineIntel";
    const ZEN_4: [usize; 3] = [32 * KIB, MIB, 32 * MIB];
    const SERVER: [usize; 3] = [32 * KIB, MIB, 40 * MIB];

    /// How Intel CPUs without a quirk are served.
    const ICE_LAKE: [&str; 3] = [
        "avx2, stosb 32K, movntdq_avx2 32M",
        "avx2, stosb 1M, movntdq_avx2 32M",
        "avx2, movntdq_avx2 8K",
    ];

    fn wide(features: &[Feature], caches: [usize; 3]) -> Facts {
        facts(Isa::X86_64, features, caches)
    }

    #[test]
    fn zen_uses_strings_past_the_first_cache_and_one_stream_past_the_last() {
        let cold = "avx2, movntdq_avx2 8K";
        let zen_5 = wide(&[Erms, Avx2, Avx512f, Clzero], [48 * KIB, MIB, 32 * MIB]);
        let hot = "avx2, stosb 64K, movntdq_avx2 32M";
        check(of(AMD, 0x1a, 0x02, zen_5), ["avx2, stosb 32K, movntdq_avx2 32M", hot, cold]);
        let zen_4 = wide(&[Erms, Avx2, Avx512f, Clzero], ZEN_4);
        let hot = "avx2, stosb 32K, movntdq_avx2 32M";
        check(of(AMD, 0x19, 0x11, zen_4), ["avx2, stosb 32K, movntdq_avx2 16M", hot, cold]);
        let no_fast_strings = of(AMD, 0x17, 0x31, wide(&[Avx2, Clzero], ZEN_4));
        let kept = "avx2, movntdq_avx2 32M";
        check(no_fast_strings, [kept, kept, cold]);
    }

    #[test]
    fn zen_3_streams_with_clzero_unless_a_hypervisor_hides_it() {
        let kept = "avx2, stosb 32K, clzero 32M";
        let zen_3 = wide(&[Erms, Avx2, Clzero], ZEN_4);
        check(of(AMD, 0x19, 0x01, zen_3), [kept, kept, "avx2, clzero 8K"]);
        let kept = "avx2, stosb 32K, movntdq_avx2 32M";
        let hidden = wide(&[Erms, Avx2], ZEN_4);
        check(of(AMD, 0x19, 0x01, hidden), [kept, kept, "avx2, movntdq_avx2 8K"]);
    }

    #[test]
    fn intel_uses_strings_past_the_second_cache() {
        check(of(INTEL, 0x06, 0x6a, wide(&[Erms, Avx2, Avx512f], SERVER)), ICE_LAKE);
    }

    #[test]
    fn emerald_rapids_has_fast_short_strings_and_shares_a_large_cache() {
        let facts = wide(&[Erms, Fsrs, Avx2, Avx512f], [48 * KIB, 2 * MIB, 300 * MIB]);
        let kept = "avx2, stosb 16K, movntdq_avx2 32M";
        check(of(INTEL, 0x06, 0xcf, facts), [kept, kept, "avx2, movntdq_avx2 4K"]);
    }

    #[test]
    fn skylake_sp_streams_only_when_cold() {
        let facts = wide(&[Erms, Avx2, Avx512f], SERVER);
        let expected = ["avx2, stosb 32K", "avx2, stosb 1M", "avx2, movntdq_avx2 8K"];
        check(of(INTEL, 0x06, 0x55, facts), expected);
    }

    #[test]
    fn a_family_alone_is_no_quirk() {
        for (vendor, family, model) in [(INTEL, 0x19, 0x01), ("", 0x06, 0x55)] {
            check(of(vendor, family, model, wide(&[Erms, Avx2, Clzero], SERVER)), ICE_LAKE);
        }
    }

    #[test]
    fn without_avx2_clzero_is_before_narrow_streams() {
        let expected = ["sse2, clzero 16M", "sse2, clzero 32M", "sse2, clzero 8K"];
        check(of(AMD, 0x19, 0x11, wide(&[Clzero], ZEN_4)), expected);
        let expected = ["sse2, movntdq 32M", "sse2, movntdq 32M", "sse2, movntdq 8K"];
        check(wide(&[], SERVER), expected);
    }

    /// A hypervisor may hide caches, or report impossible sizes.
    #[test]
    fn unknown_caches_are_large_ones() {
        let hot = |vendor, caches, expected: &str| {
            let facts = of(vendor, 0x17, 0, wide(&[Erms, Avx2], caches));
            let [auto, _, cold] = ICE_LAKE;
            check(facts, [&auto.replace("32M", &expected[expected.len() - 3..]), expected, cold]);
        };
        let impossible = [48 * KIB, 16 * KIB, KIB];
        hot(AMD, UNKNOWN, "avx2, stosb 32K, movntdq_avx2 32M");
        hot(AMD, impossible, "avx2, stosb 64K, movntdq_avx2 32M");
        hot(AMD, [32 * KIB, 64 * MIB, 0], "avx2, stosb 32K, movntdq_avx2 64M");
        hot(INTEL, UNKNOWN, "avx2, stosb 256K, movntdq_avx2 32M");
        hot(INTEL, impossible, "avx2, stosb 256K, movntdq_avx2 32M");
    }

    #[test]
    fn old_cpus_of_both_widths_have_less_to_choose() {
        for isa in [Isa::X86, Isa::X86_64] {
            let ivy_bridge = facts(isa, &[Sse2, Erms], [32 * KIB, 256 * KIB, 4 * MIB]);
            let kept = "sse2, stosb 2K, movntdq 4M";
            check(ivy_bridge, [kept, kept, "sse2, stosb 2K, movntdq 8K"]);
            let nehalem = facts(isa, &[Sse2], UNKNOWN);
            check(nehalem, ["sse2, movntdq 32M", "sse2, movntdq 32M", "sse2, movntdq 8K"]);
        }
        let pentium_3 = facts(Isa::X86, &[], UNKNOWN);
        check(pentium_3, ["stosd"; 3]);
    }
}

mod aarch64 {
    use super::*;

    /// How CPUs without DC ZVA and MOPS are served.
    const PAIRS: [&str; 3] = ["stp, stnp 32M", "stp, stnp 32M", "stp, stnp 4K"];

    fn cpu(features: &[Feature], block: usize) -> Facts {
        let mut facts = facts(Isa::Aarch64, features, UNKNOWN);
        facts.block = block;
        facts
    }

    #[test]
    fn dc_zva_starts_later_with_larger_blocks_but_serves_every_page() {
        let page = if PAGE_SIZE == 4 * KIB { "stp, dc_zva 4K" } else { "stp, dc_zva 8K" };
        for (block, expected) in [
            (4, "stp, dc_zva 256"),
            (64, "stp, dc_zva 256"),
            (256, "stp, dc_zva 1K"),
            (512, "stp, dc_zva 2K"),
            (2048, page),
        ] {
            // Tags are never set unless the caller asks.
            for features in [&[DcZva][..], &[DcZva, Mte]] {
                check(cpu(features, block), [expected; 3]);
            }
        }
    }

    #[test]
    fn mops_serves_everything() {
        check(cpu(&[DcZva, Mops, Mte], 64), ["mops"; 3]);
        check(cpu(&[Mops], 64), ["mops"; 3]);
    }

    #[test]
    fn where_dc_zva_is_prohibited_pairs_serve_by_intent() {
        check(cpu(&[], 64), PAIRS);
        check(cpu(&[Mte], 64), PAIRS);
        let known = facts(Isa::Aarch64, &[], [0, MIB, 2 * MIB]);
        check(known, ["stp, stnp 2M", "stp, stnp 2M", "stp, stnp 4K"]);
    }

    #[test]
    fn dc_zva_is_not_used_where_it_saves_nothing() {
        for (vendor, model) in [("0x48", 0xd01), ("0x50", 0x000)] {
            check(of(vendor, 0, model, cpu(&[DcZva], 64)), PAIRS);
        }
        // Another part of the same maker, the same part of another, and an unknown maker.
        for (vendor, model) in [("0x48", 0xd02), ("0x41", 0xd01), ("", 0)] {
            check(of(vendor, 0, model, cpu(&[DcZva], 64)), ["stp, dc_zva 256"; 3]);
        }
    }
}

#[test]
fn s390x_leaves_xc_with_the_last_cache_and_clears_cold_pages_by_mvcle() {
    let z14 = facts(Isa::S390x, &[], [128 * KIB, 4 * MIB, 128 * MIB]);
    check(z14, ["xc, mvcle 128M", "xc, mvcle 128M", "xc, mvcle 4K"]);
    // The last cache of z10 is assumed.
    let hidden = facts(Isa::S390x, &[], UNKNOWN);
    check(hidden, ["xc, mvcle 32M", "xc, mvcle 32M", "xc, mvcle 4K"]);
}
