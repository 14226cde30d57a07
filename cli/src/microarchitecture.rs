//! The microarchitecture of a CPU, by its identification numbers.
//!
//! A brand string does not identify it: in many virtual machines it is just "AMD EPYC".
//!
//! The numbers are facts from the sources that each block names: files of Linux, unless another
//! project is named. raw-cpuid and cpufeatures have no such table.

use std::ops::RangeInclusive;

/// Vendor, family, models and name.
type Row = (&'static str, u32, RangeInclusive<u32>, &'static str);

const fn one(model: u32) -> RangeInclusive<u32> {
    model..=model
}

const AMD: &str = "AuthenticAMD";
const HYGON: &str = "HygonGenuine";
const INTEL: &str = "GenuineIntel";
const CENTAUR: &str = "CentaurHauls";
const SHANGHAI: &str = "  Shanghai  ";

const X86: &[Row] = &[
    // LLVM, compiler-rt/lib/builtins/cpu_model/x86.c.
    (AMD, 0x0f, 0x00..=0xff, "K8"),
    (AMD, 0x10, 0x00..=0xff, "K10"),
    (AMD, 0x14, 0x00..=0xff, "Bobcat"),
    (AMD, 0x15, 0x00..=0x01, "Bulldozer"),
    (AMD, 0x15, one(0x02), "Piledriver"),
    (AMD, 0x15, 0x03..=0x0f, "Bulldozer"),
    (AMD, 0x15, 0x10..=0x1f, "Piledriver"),
    (AMD, 0x15, 0x30..=0x3f, "Steamroller"),
    (AMD, 0x15, 0x60..=0x7f, "Excavator"),
    // google/cpu_features, src/impl_x86__base_implementation.inl.
    (AMD, 0x16, 0x00..=0x2f, "Jaguar"),
    (AMD, 0x16, 0x30..=0x3f, "Puma"),
    // arch/x86/kernel/cpu/amd.c (bsp_init_amd), which has no Zen+: models 08h (Pinnacle Ridge) and
    // 18h (Picasso), from WikiChip amd/cpuid. 84h-87h and 92h-9Fh are from LLVM.
    (AMD, 0x17, 0x00..=0x07, "Zen"),
    (AMD, 0x17, one(0x08), "Zen+"),
    (AMD, 0x17, 0x09..=0x17, "Zen"),
    (AMD, 0x17, one(0x18), "Zen+"),
    (AMD, 0x17, 0x19..=0x2f, "Zen"),
    (AMD, 0x17, 0x30..=0x4f, "Zen 2"),
    (AMD, 0x17, 0x50..=0x5f, "Zen"),
    (AMD, 0x17, 0x60..=0x7f, "Zen 2"),
    (AMD, 0x17, 0x84..=0x87, "Zen 2"),
    (AMD, 0x17, 0x90..=0x9f, "Zen 2"),
    (AMD, 0x17, 0xa0..=0xaf, "Zen 2"),
    (AMD, 0x19, 0x00..=0x0f, "Zen 3"),
    (AMD, 0x19, 0x10..=0x1f, "Zen 4"),
    (AMD, 0x19, 0x20..=0x5f, "Zen 3"),
    (AMD, 0x19, 0x60..=0xaf, "Zen 4"),
    (AMD, 0x1a, 0x00..=0x2f, "Zen 5"),
    (AMD, 0x1a, 0x40..=0x4f, "Zen 5"),
    (AMD, 0x1a, 0x50..=0x5f, "Zen 6"),
    (AMD, 0x1a, 0x60..=0x7f, "Zen 5"),
    (AMD, 0x1a, 0x80..=0xaf, "Zen 6"),
    (AMD, 0x1a, 0xc0..=0xef, "Zen 6"),
    // google/cpu_features, src/impl_x86__base_implementation.inl.
    (HYGON, 0x18, 0x00..=0x01, "Dhyana"),
    // arch/x86/include/asm/intel-family.h. Hybrid CPUs report one model for both kinds of core, so
    // from Lakefield on a client CPU has the name of the chip.
    (INTEL, 6, one(0x0f), "Core 2 (Merom)"),
    (INTEL, 6, one(0x16), "Core 2 (Merom)"),
    (INTEL, 6, one(0x17), "Core 2 (Penryn)"),
    (INTEL, 6, one(0x1d), "Core 2 (Dunnington)"),
    (INTEL, 6, one(0x1a), "Nehalem-EP"),
    (INTEL, 6, 0x1e..=0x1f, "Nehalem"),
    (INTEL, 6, one(0x2e), "Nehalem-EX"),
    (INTEL, 6, one(0x25), "Westmere"),
    (INTEL, 6, one(0x2c), "Westmere-EP"),
    (INTEL, 6, one(0x2f), "Westmere-EX"),
    (INTEL, 6, one(0x2a), "Sandy Bridge"),
    (INTEL, 6, one(0x2d), "Sandy Bridge-EP"),
    (INTEL, 6, one(0x3a), "Ivy Bridge"),
    (INTEL, 6, one(0x3e), "Ivy Bridge-EP"),
    (INTEL, 6, one(0x3c), "Haswell"),
    (INTEL, 6, one(0x3f), "Haswell-EP"),
    (INTEL, 6, 0x45..=0x46, "Haswell"),
    (INTEL, 6, one(0x3d), "Broadwell"),
    (INTEL, 6, one(0x47), "Broadwell"),
    (INTEL, 6, one(0x4f), "Broadwell-EP"),
    (INTEL, 6, one(0x56), "Broadwell-DE"),
    (INTEL, 6, one(0x4e), "Skylake"),
    // Stepping 7 is Cascade Lake and stepping 11 is Cooper Lake.
    (INTEL, 6, one(0x55), "Skylake-SP"),
    (INTEL, 6, one(0x5e), "Skylake"),
    // Later steppings are Amber Lake, Coffee Lake and Whiskey Lake, all with the core of Skylake.
    (INTEL, 6, one(0x8e), "Kaby Lake"),
    (INTEL, 6, one(0x9e), "Kaby Lake"),
    (INTEL, 6, 0xa5..=0xa6, "Comet Lake"),
    (INTEL, 6, one(0x66), "Cannon Lake"),
    (INTEL, 6, one(0x6a), "Ice Lake-SP"),
    (INTEL, 6, one(0x6c), "Ice Lake-D"),
    (INTEL, 6, 0x7d..=0x7e, "Ice Lake"),
    (INTEL, 6, one(0x9d), "Ice Lake NNPI"),
    (INTEL, 6, one(0xa7), "Rocket Lake"),
    (INTEL, 6, 0x8c..=0x8d, "Tiger Lake"),
    (INTEL, 6, one(0x8f), "Sapphire Rapids"),
    (INTEL, 6, one(0xcf), "Emerald Rapids"),
    (INTEL, 6, one(0xad), "Granite Rapids"),
    (INTEL, 6, one(0xae), "Granite Rapids-D"),
    (INTEL, 6, one(0xd7), "Bartlett Lake"),
    (INTEL, 6, one(0x8a), "Lakefield"),
    (INTEL, 6, one(0x97), "Alder Lake"),
    (INTEL, 6, one(0x9a), "Alder Lake"),
    (INTEL, 6, one(0xb7), "Raptor Lake"),
    (INTEL, 6, one(0xba), "Raptor Lake"),
    (INTEL, 6, one(0xbf), "Raptor Lake"),
    (INTEL, 6, one(0xaa), "Meteor Lake"),
    (INTEL, 6, one(0xac), "Meteor Lake"),
    (INTEL, 6, one(0xb5), "Arrow Lake"),
    (INTEL, 6, 0xc5..=0xc6, "Arrow Lake"),
    (INTEL, 6, one(0xbd), "Lunar Lake"),
    (INTEL, 6, one(0xcc), "Panther Lake"),
    (INTEL, 6, one(0xe5), "Panther Lake"),
    (INTEL, 6, one(0xd5), "Wildcat Lake"),
    (INTEL, 6, one(0x1c), "Bonnell"),
    (INTEL, 6, one(0x26), "Bonnell"),
    (INTEL, 6, one(0x27), "Saltwell"),
    (INTEL, 6, 0x35..=0x36, "Saltwell"),
    (INTEL, 6, one(0x37), "Silvermont"),
    (INTEL, 6, one(0x4a), "Silvermont"),
    (INTEL, 6, one(0x4d), "Silvermont"),
    (INTEL, 6, one(0x5a), "Silvermont"),
    (INTEL, 6, one(0x4c), "Airmont"),
    (INTEL, 6, one(0x75), "Airmont"),
    (INTEL, 6, one(0x5c), "Goldmont"),
    (INTEL, 6, one(0x5f), "Goldmont"),
    (INTEL, 6, one(0x7a), "Goldmont Plus"),
    (INTEL, 6, one(0x86), "Tremont"),
    (INTEL, 6, one(0x96), "Tremont"),
    (INTEL, 6, one(0x9c), "Tremont"),
    (INTEL, 6, one(0xbe), "Gracemont"),
    (INTEL, 6, one(0xaf), "Sierra Forest"),
    (INTEL, 6, one(0xb6), "Grand Ridge"),
    (INTEL, 6, one(0xdd), "Clearwater Forest"),
    (INTEL, 6, one(0x57), "Knights Landing"),
    (INTEL, 6, one(0x85), "Knights Mill"),
    (INTEL, 15, 0x00..=0x06, "NetBurst"),
    (INTEL, 18, one(0x01), "Nova Lake"),
    (INTEL, 18, one(0x03), "Nova Lake"),
    (INTEL, 19, one(0x01), "Diamond Rapids"),
    // arch/x86/events/zhaoxin/core.c: 06_0Fh is a VIA Nano below stepping 14, so it has no row.
    // The names are from google/cpu_features, src/impl_x86__base_implementation.inl.
    (CENTAUR, 6, one(0x19), "ZhangJiang"),
    (CENTAUR, 7, one(0x1b), "WuDaoKou"),
    (CENTAUR, 7, one(0x3b), "LuJiaZui"),
    (CENTAUR, 7, one(0x5b), "YongFeng"),
    (SHANGHAI, 6, one(0x19), "ZhangJiang"),
    (SHANGHAI, 7, one(0x1b), "WuDaoKou"),
    (SHANGHAI, 7, one(0x3b), "LuJiaZui"),
    (SHANGHAI, 7, one(0x5b), "YongFeng"),
];

const ARM: &str = "0x41";
const BROADCOM: &str = "0x42";
const CAVIUM: &str = "0x43";
const FUJITSU: &str = "0x46";
const HISILICON: &str = "0x48";
const NVIDIA: &str = "0x4e";
const APM: &str = "0x50";
const QUALCOMM: &str = "0x51";
const APPLE: &str = "0x61";
const MICROSOFT: &str = "0x6d";
const AMPERE: &str = "0xc0";

const AARCH64: &[Row] = &[
    // arch/arm64/include/asm/cputype.h; Cortex-A65, Neoverse E1 and the C1 except C1-Pro and
    // C1-Ultra are from util-linux, sys-utils/lscpu-arm.c.
    (ARM, 0, one(0xd03), "Cortex-A53"),
    (ARM, 0, one(0xd04), "Cortex-A35"),
    (ARM, 0, one(0xd05), "Cortex-A55"),
    (ARM, 0, one(0xd06), "Cortex-A65"),
    (ARM, 0, one(0xd07), "Cortex-A57"),
    (ARM, 0, one(0xd08), "Cortex-A72"),
    (ARM, 0, one(0xd09), "Cortex-A73"),
    (ARM, 0, one(0xd0a), "Cortex-A75"),
    (ARM, 0, one(0xd0b), "Cortex-A76"),
    (ARM, 0, one(0xd0c), "Neoverse N1"),
    (ARM, 0, one(0xd0d), "Cortex-A77"),
    (ARM, 0, one(0xd0e), "Cortex-A76AE"),
    (ARM, 0, one(0xd40), "Neoverse V1"),
    (ARM, 0, one(0xd41), "Cortex-A78"),
    (ARM, 0, one(0xd42), "Cortex-A78AE"),
    (ARM, 0, one(0xd44), "Cortex-X1"),
    (ARM, 0, one(0xd46), "Cortex-A510"),
    (ARM, 0, one(0xd47), "Cortex-A710"),
    (ARM, 0, one(0xd48), "Cortex-X2"),
    (ARM, 0, one(0xd49), "Neoverse N2"),
    (ARM, 0, one(0xd4a), "Neoverse E1"),
    (ARM, 0, one(0xd4b), "Cortex-A78C"),
    (ARM, 0, one(0xd4c), "Cortex-X1C"),
    (ARM, 0, one(0xd4d), "Cortex-A715"),
    (ARM, 0, one(0xd4e), "Cortex-X3"),
    (ARM, 0, one(0xd4f), "Neoverse V2"),
    (ARM, 0, one(0xd80), "Cortex-A520"),
    (ARM, 0, one(0xd81), "Cortex-A720"),
    (ARM, 0, one(0xd82), "Cortex-X4"),
    (ARM, 0, one(0xd83), "Neoverse V3AE"),
    (ARM, 0, one(0xd84), "Neoverse V3"),
    (ARM, 0, one(0xd85), "Cortex-X925"),
    (ARM, 0, one(0xd87), "Cortex-A725"),
    (ARM, 0, one(0xd89), "Cortex-A720AE"),
    (ARM, 0, one(0xd8a), "C1-Nano"),
    (ARM, 0, one(0xd8b), "C1-Pro"),
    (ARM, 0, one(0xd8c), "C1-Ultra"),
    (ARM, 0, one(0xd8e), "Neoverse N3"),
    (ARM, 0, one(0xd90), "C1-Premium"),
    // arch/arm64/include/asm/cputype.h; 0x0b8 is from util-linux.
    (BROADCOM, 0, one(0x100), "Brahma-B53"),
    (BROADCOM, 0, one(0x516), "Vulcan"),
    (CAVIUM, 0, 0x0a1..=0x0a3, "ThunderX"),
    (CAVIUM, 0, one(0x0af), "ThunderX2"),
    (CAVIUM, 0, 0x0b1..=0x0b6, "OCTEON TX2"),
    (CAVIUM, 0, one(0x0b8), "ThunderX3"),
    // arch/arm64/include/asm/cputype.h; MONAKA and Denver are from util-linux.
    (FUJITSU, 0, one(0x001), "A64FX"),
    (FUJITSU, 0, one(0x003), "MONAKA"),
    (HISILICON, 0, one(0xd01), "TSV110 (Kunpeng 920)"),
    (HISILICON, 0, one(0xd02), "HIP09"),
    (HISILICON, 0, one(0xd06), "HIP12"),
    (NVIDIA, 0, one(0x000), "Denver"),
    (NVIDIA, 0, one(0x003), "Denver 2"),
    (NVIDIA, 0, one(0x004), "Carmel"),
    (NVIDIA, 0, one(0x010), "Olympus"),
    // eMAG differs from X-Gene only in the variant.
    (APM, 0, one(0x000), "X-Gene / eMAG"),
    // arch/arm64/include/asm/cputype.h. Falkor version 1 and Kryo 2xx Gold share a part number.
    (QUALCOMM, 0, one(0x001), "Oryon"),
    (QUALCOMM, 0, one(0x200), "Kryo"),
    (QUALCOMM, 0, one(0x800), "Falkor / Kryo 2xx Gold"),
    (QUALCOMM, 0, one(0x801), "Kryo 2xx Silver"),
    (QUALCOMM, 0, one(0x802), "Kryo 3xx Gold"),
    (QUALCOMM, 0, one(0x803), "Kryo 3xx Silver"),
    (QUALCOMM, 0, one(0x804), "Kryo 4xx Gold"),
    (QUALCOMM, 0, one(0x805), "Kryo 4xx Silver"),
    (QUALCOMM, 0, one(0xc00), "Falkor"),
    // arch/arm64/include/asm/cputype.h; M3 and M4 are from m1n1, src/midr.h.
    (APPLE, 0, one(0x022), "Icestorm (M1)"),
    (APPLE, 0, one(0x023), "Firestorm (M1)"),
    (APPLE, 0, one(0x024), "Icestorm (M1 Pro)"),
    (APPLE, 0, one(0x025), "Firestorm (M1 Pro)"),
    (APPLE, 0, one(0x028), "Icestorm (M1 Max)"),
    (APPLE, 0, one(0x029), "Firestorm (M1 Max)"),
    (APPLE, 0, one(0x032), "Blizzard (M2)"),
    (APPLE, 0, one(0x033), "Avalanche (M2)"),
    (APPLE, 0, one(0x034), "Blizzard (M2 Pro)"),
    (APPLE, 0, one(0x035), "Avalanche (M2 Pro)"),
    (APPLE, 0, one(0x038), "Blizzard (M2 Max)"),
    (APPLE, 0, one(0x039), "Avalanche (M2 Max)"),
    (APPLE, 0, one(0x042), "Sawtooth (M3)"),
    (APPLE, 0, one(0x043), "Everest (M3)"),
    (APPLE, 0, one(0x044), "Sawtooth (M3 Pro)"),
    (APPLE, 0, one(0x045), "Everest (M3 Pro)"),
    (APPLE, 0, one(0x048), "Sawtooth (M3 Max)"),
    (APPLE, 0, one(0x049), "Everest (M3 Max)"),
    (APPLE, 0, one(0x052), "M4, efficiency core"),
    (APPLE, 0, one(0x053), "M4, performance core"),
    (APPLE, 0, one(0x054), "M4 Pro, efficiency core"),
    (APPLE, 0, one(0x055), "M4 Pro, performance core"),
    (APPLE, 0, one(0x058), "M4 Max, efficiency core"),
    (APPLE, 0, one(0x059), "M4 Max, performance core"),
    // arch/arm64/include/asm/cputype.h. Cobalt 100 is a Neoverse N2 with an implementer of its own.
    (MICROSOFT, 0, one(0xd49), "Azure Cobalt 100 (Neoverse N2)"),
    (AMPERE, 0, one(0xac3), "Ampere-1"),
    (AMPERE, 0, one(0xac4), "Ampere-1A"),
];

/// Returns the name of a microarchitecture, or `None` if it is unknown.
///
/// `isa` is [`std::env::consts::ARCH`]. On x86, `vendor` is the string of CPUID leaf 0, all twelve
/// characters, and `family` and `model` include the extended fields of leaf 1: Zen 5 "Turin" is
/// family 26, model 2. On Arm they are fields of MIDR_EL1: `vendor` is the implementer as text
/// ("0x41"), `model` is the part number, and `family` is 0.
pub fn name(isa: &str, vendor: &str, family: u32, model: u32) -> Option<&'static str> {
    let rows = match isa {
        "x86" | "x86_64" => X86,
        // A 32-bit program sees the same register.
        "aarch64" | "arm" => AARCH64,
        _ => return None,
    };
    let mut rows = rows.iter();
    let row = rows.find(|row| row.0 == vendor && row.1 == family && row.2.contains(&model))?;
    Some(row.3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x86_is_named_by_display_family_and_model() {
        let amd = |family, model| name("x86_64", AMD, family, model);
        assert_eq!(amd(23, 1), Some("Zen"));
        assert_eq!(amd(23, 8), Some("Zen+"));
        assert_eq!(amd(23, 49), Some("Zen 2"));
        assert_eq!(amd(25, 1), Some("Zen 3"));
        assert_eq!(amd(25, 17), Some("Zen 4"));
        assert_eq!(amd(26, 2), Some("Zen 5"));
        assert_eq!(name("x86", HYGON, 24, 0), Some("Dhyana"));
        let intel = |model| name("x86_64", INTEL, 6, model);
        assert_eq!(intel(0x55), Some("Skylake-SP"));
        assert_eq!(intel(106), Some("Ice Lake-SP"));
        assert_eq!(intel(143), Some("Sapphire Rapids"));
        assert_eq!(name("x86_64", INTEL, 19, 1), Some("Diamond Rapids"));
        assert_eq!(name("x86_64", SHANGHAI, 7, 0x3b), Some("LuJiaZui"));
    }

    #[test]
    fn arm_is_named_by_implementer_and_part() {
        assert_eq!(name("aarch64", "0x41", 0, 0xd0c), Some("Neoverse N1"));
        assert_eq!(name("aarch64", "0x48", 0, 0xd01), Some("TSV110 (Kunpeng 920)"));
        assert_eq!(name("aarch64", "0xc0", 0, 0xac3), Some("Ampere-1"));
    }

    #[test]
    fn unknown_cpus_have_no_name() {
        assert_eq!(name("x86_64", AMD, 26, 0xff), None);
        assert_eq!(name("x86_64", "AMDisbetter!", 25, 17), None);
        assert_eq!(name("x86_64", "0x41", 0, 0xd0c), None);
        assert_eq!(name("aarch64", AMD, 25, 17), None);
        assert_eq!(name("riscv64", "0x41", 0, 0xd0c), None);
    }

    #[test]
    fn no_two_rows_overlap() {
        for rows in [X86, AARCH64] {
            for (index, row) in rows.iter().enumerate() {
                assert!(row.2.start() <= row.2.end(), "{row:?}");
                for other in &rows[..index] {
                    let same = (row.0, row.1) == (other.0, other.1);
                    let apart = row.2.end() < other.2.start() || other.2.end() < row.2.start();
                    assert!(!same || apart, "{row:?} and {other:?}");
                }
            }
        }
    }

    #[test]
    fn vendors_have_the_form_that_the_cpu_reports() {
        assert!(X86.iter().all(|row| row.0.len() == 12));
        assert!(AARCH64.iter().all(|row| row.0.len() == 4 && row.0.starts_with("0x")));
    }
}
