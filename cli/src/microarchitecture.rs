//! The name of a CPU's microarchitecture, by the numbers that it reports: in a virtual machine its
//! own name may be just "AMD EPYC".

use std::ops::RangeInclusive;

/// A name for some models of one family.
struct Row(u32, RangeInclusive<u32>, &'static str);

/// The name, such as "Zen 4"; `None` if it is not in the tables.
///
/// `isa` is [`std::env::consts::ARCH`]; `vendor`, `family` and `model` are those of
/// [`clearpage::cpu::Facts`]. A hypervisor may invent them.
pub fn name(isa: &str, vendor: &str, family: u32, model: u32) -> Option<&'static str> {
    let rows = rows(isa, vendor);
    rows.iter().find(|row| row.0 == family && row.1.contains(&model)).map(|row| row.2)
}

fn rows(isa: &str, vendor: &str) -> &'static [Row] {
    match (isa, vendor) {
        ("x86" | "x86_64", "AuthenticAMD") => AMD,
        ("x86" | "x86_64", "HygonGenuine") => HYGON,
        ("x86" | "x86_64", "GenuineIntel") => INTEL,
        ("aarch64", "0x41") => ARM,
        ("aarch64", "0x43") => &[Row(0, 0x0af..=0x0af, "ThunderX2")],
        ("aarch64", "0x46") => &[Row(0, 0x001..=0x001, "A64FX")],
        ("aarch64", "0x48") => &[Row(0, 0xd01..=0xd01, "TaiShan v110 (Kunpeng 920)")],
        ("aarch64", "0x50") => &[Row(0, 0x000..=0x000, "X-Gene or eMAG")],
        ("aarch64", "0x51") => &[Row(0, 0x001..=0x001, "Oryon")],
        ("aarch64", "0x61") => APPLE,
        ("aarch64", "0x6d") => &[Row(0, 0xd49..=0xd49, "Azure Cobalt 100")],
        ("aarch64", "0xc0") => {
            &[Row(0, 0xac3..=0xac3, "Ampere-1"), Row(0, 0xac4..=0xac4, "Ampere-1A")]
        }
        _ => &[],
    }
}

/// Source: Linux, arch/x86/kernel/cpu/amd.c, for Zen; AMD's revision guides for the others.
const AMD: &[Row] = &[
    Row(0x10, 0x00..=0xff, "K10"),
    Row(0x14, 0x00..=0xff, "Bobcat"),
    Row(0x15, 0x00..=0x01, "Bulldozer"),
    Row(0x15, 0x02..=0x1f, "Piledriver"),
    Row(0x15, 0x30..=0x3f, "Steamroller"),
    Row(0x15, 0x60..=0x7f, "Excavator"),
    Row(0x16, 0x00..=0x0f, "Jaguar"),
    Row(0x16, 0x30..=0x3f, "Puma"),
    Row(0x17, 0x00..=0x07, "Zen"),
    Row(0x17, 0x08..=0x08, "Zen+"),
    Row(0x17, 0x10..=0x17, "Zen"),
    Row(0x17, 0x18..=0x1f, "Zen+"),
    Row(0x17, 0x20..=0x2f, "Zen"),
    Row(0x17, 0x30..=0x4f, "Zen 2"),
    Row(0x17, 0x60..=0x7f, "Zen 2"),
    Row(0x17, 0x90..=0x91, "Zen 2"),
    Row(0x17, 0xa0..=0xaf, "Zen 2"),
    Row(0x19, 0x00..=0x0f, "Zen 3"),
    Row(0x19, 0x10..=0x1f, "Zen 4"),
    Row(0x19, 0x20..=0x5f, "Zen 3"),
    Row(0x19, 0x60..=0xaf, "Zen 4"),
    Row(0x1a, 0x00..=0x2f, "Zen 5"),
    Row(0x1a, 0x40..=0x4f, "Zen 5"),
    Row(0x1a, 0x50..=0x5f, "Zen 6"),
    Row(0x1a, 0x60..=0x7f, "Zen 5"),
    Row(0x1a, 0x80..=0xaf, "Zen 6"),
    Row(0x1a, 0xc0..=0xef, "Zen 6"),
];

const HYGON: &[Row] = &[Row(0x18, 0x00..=0xff, "Dhyana")];

/// Source: Linux, arch/x86/include/asm/intel-family.h. One number may stand for several: 06_55h is
/// Skylake-SP, Cascade Lake or Cooper Lake, by its stepping; 06_8Eh and 06_9Eh likewise.
const INTEL: &[Row] = &[
    Row(0x06, 0x0f..=0x0f, "Core 2 (Merom)"),
    Row(0x06, 0x17..=0x17, "Core 2 (Penryn)"),
    Row(0x06, 0x1a..=0x1a, "Nehalem"),
    Row(0x06, 0x1d..=0x1d, "Core 2 (Dunnington)"),
    Row(0x06, 0x1e..=0x1f, "Nehalem"),
    Row(0x06, 0x25..=0x25, "Westmere"),
    Row(0x06, 0x2a..=0x2a, "Sandy Bridge"),
    Row(0x06, 0x2c..=0x2c, "Westmere"),
    Row(0x06, 0x2d..=0x2d, "Sandy Bridge-EP"),
    Row(0x06, 0x2e..=0x2e, "Nehalem"),
    Row(0x06, 0x2f..=0x2f, "Westmere"),
    Row(0x06, 0x37..=0x37, "Silvermont"),
    Row(0x06, 0x3a..=0x3a, "Ivy Bridge"),
    Row(0x06, 0x3c..=0x3c, "Haswell"),
    Row(0x06, 0x3d..=0x3d, "Broadwell"),
    Row(0x06, 0x3e..=0x3e, "Ivy Bridge-EP"),
    Row(0x06, 0x3f..=0x3f, "Haswell-EP"),
    Row(0x06, 0x45..=0x46, "Haswell"),
    Row(0x06, 0x47..=0x47, "Broadwell"),
    Row(0x06, 0x4c..=0x4c, "Airmont"),
    Row(0x06, 0x4d..=0x4d, "Silvermont"),
    Row(0x06, 0x4e..=0x4e, "Skylake"),
    Row(0x06, 0x4f..=0x4f, "Broadwell-EP"),
    Row(0x06, 0x55..=0x55, "Skylake-SP, Cascade Lake or Cooper Lake"),
    Row(0x06, 0x56..=0x56, "Broadwell-DE"),
    Row(0x06, 0x57..=0x57, "Knights Landing"),
    Row(0x06, 0x5c..=0x5c, "Goldmont"),
    Row(0x06, 0x5e..=0x5e, "Skylake"),
    Row(0x06, 0x5f..=0x5f, "Goldmont"),
    Row(0x06, 0x66..=0x66, "Cannon Lake"),
    Row(0x06, 0x6a..=0x6a, "Ice Lake-SP"),
    Row(0x06, 0x6c..=0x6c, "Ice Lake-D"),
    Row(0x06, 0x7a..=0x7a, "Goldmont Plus"),
    Row(0x06, 0x7d..=0x7e, "Ice Lake"),
    Row(0x06, 0x85..=0x85, "Knights Mill"),
    Row(0x06, 0x86..=0x86, "Tremont"),
    Row(0x06, 0x8c..=0x8d, "Tiger Lake"),
    Row(0x06, 0x8e..=0x8e, "Kaby Lake or later"),
    Row(0x06, 0x8f..=0x8f, "Sapphire Rapids"),
    Row(0x06, 0x96..=0x96, "Tremont"),
    Row(0x06, 0x97..=0x97, "Alder Lake"),
    Row(0x06, 0x9a..=0x9a, "Alder Lake"),
    Row(0x06, 0x9c..=0x9c, "Tremont"),
    Row(0x06, 0x9e..=0x9e, "Kaby Lake or later"),
    Row(0x06, 0xa5..=0xa6, "Comet Lake"),
    Row(0x06, 0xa7..=0xa7, "Rocket Lake"),
    Row(0x06, 0xaa..=0xaa, "Meteor Lake"),
    Row(0x06, 0xac..=0xac, "Meteor Lake"),
    Row(0x06, 0xad..=0xae, "Granite Rapids"),
    Row(0x06, 0xaf..=0xaf, "Sierra Forest"),
    Row(0x06, 0xb5..=0xb5, "Arrow Lake"),
    Row(0x06, 0xb6..=0xb6, "Grand Ridge"),
    Row(0x06, 0xb7..=0xb7, "Raptor Lake"),
    Row(0x06, 0xba..=0xba, "Raptor Lake"),
    Row(0x06, 0xbd..=0xbd, "Lunar Lake"),
    Row(0x06, 0xbe..=0xbe, "Gracemont"),
    Row(0x06, 0xbf..=0xbf, "Raptor Lake"),
    Row(0x06, 0xc5..=0xc6, "Arrow Lake"),
    Row(0x06, 0xcc..=0xcc, "Panther Lake"),
    Row(0x06, 0xcf..=0xcf, "Emerald Rapids"),
    Row(0x06, 0xdd..=0xdd, "Clearwater Forest"),
    Row(0x13, 0x01..=0x01, "Diamond Rapids"),
];

/// Source: Linux, arch/arm64/include/asm/cputype.h.
const ARM: &[Row] = &[
    Row(0, 0xd03..=0xd03, "Cortex-A53"),
    Row(0, 0xd05..=0xd05, "Cortex-A55"),
    Row(0, 0xd07..=0xd07, "Cortex-A57"),
    Row(0, 0xd08..=0xd08, "Cortex-A72"),
    Row(0, 0xd09..=0xd09, "Cortex-A73"),
    Row(0, 0xd0a..=0xd0a, "Cortex-A75"),
    Row(0, 0xd0b..=0xd0b, "Cortex-A76"),
    Row(0, 0xd0c..=0xd0c, "Neoverse N1"),
    Row(0, 0xd0d..=0xd0d, "Cortex-A77"),
    Row(0, 0xd40..=0xd40, "Neoverse V1"),
    Row(0, 0xd41..=0xd41, "Cortex-A78"),
    Row(0, 0xd44..=0xd44, "Cortex-X1"),
    Row(0, 0xd46..=0xd46, "Cortex-A510"),
    Row(0, 0xd47..=0xd47, "Cortex-A710"),
    Row(0, 0xd48..=0xd48, "Cortex-X2"),
    Row(0, 0xd49..=0xd49, "Neoverse N2"),
    Row(0, 0xd4d..=0xd4d, "Cortex-A715"),
    Row(0, 0xd4e..=0xd4e, "Cortex-X3"),
    Row(0, 0xd4f..=0xd4f, "Neoverse V2"),
    Row(0, 0xd80..=0xd80, "Cortex-A520"),
    Row(0, 0xd81..=0xd81, "Cortex-A720"),
    Row(0, 0xd82..=0xd82, "Cortex-X4"),
    Row(0, 0xd84..=0xd84, "Neoverse V3"),
    Row(0, 0xd85..=0xd85, "Cortex-X925"),
    Row(0, 0xd8e..=0xd8e, "Neoverse N3"),
];

/// Source: Linux, arch/arm64/include/asm/cputype.h.
const APPLE: &[Row] = &[
    Row(0, 0x022..=0x022, "Icestorm (M1)"),
    Row(0, 0x023..=0x023, "Firestorm (M1)"),
    Row(0, 0x024..=0x024, "Icestorm (M1 Pro)"),
    Row(0, 0x025..=0x025, "Firestorm (M1 Pro)"),
    Row(0, 0x028..=0x028, "Icestorm (M1 Max)"),
    Row(0, 0x029..=0x029, "Firestorm (M1 Max)"),
    Row(0, 0x032..=0x032, "Blizzard (M2)"),
    Row(0, 0x033..=0x033, "Avalanche (M2)"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_cpus_have_their_names() {
        let x86 = |vendor, family, model| name("x86_64", vendor, family, model);
        for (family, model, expected) in [
            (23, 1, "Zen"),
            (23, 49, "Zen 2"),
            (25, 1, "Zen 3"),
            (25, 17, "Zen 4"),
            (25, 33, "Zen 3"),
            (26, 2, "Zen 5"),
        ] {
            assert_eq!(x86("AuthenticAMD", family, model), Some(expected), "{family} {model}");
        }
        assert_eq!(x86("GenuineIntel", 6, 106), Some("Ice Lake-SP"));
        assert_eq!(x86("GenuineIntel", 6, 143), Some("Sapphire Rapids"));
        assert!(x86("GenuineIntel", 6, 0x55).unwrap().starts_with("Skylake-SP"));
        assert_eq!(name("aarch64", "0x41", 0, 0xd0c), Some("Neoverse N1"));
        assert!(name("aarch64", "0x48", 0, 0xd01).unwrap().contains("Kunpeng 920"));
    }

    #[test]
    fn the_numbers_of_another_vendor_or_isa_are_unknown() {
        assert_eq!(name("x86_64", "GenuineIntel", 25, 17), None);
        assert_eq!(name("aarch64", "AuthenticAMD", 25, 17), None);
        assert_eq!(name("x86_64", "AuthenticAMD", 99, 0), None);
        assert_eq!(name("riscv64", "", 0, 0), None);
    }

    #[test]
    fn no_model_has_two_names() {
        let intel = ["AuthenticAMD", "HygonGenuine", "GenuineIntel"].map(|vendor| ("x86", vendor));
        let arm = ["0x41", "0x43", "0x46", "0x48", "0x50", "0x51", "0x61", "0x6d", "0xc0"];
        let arm = arm.map(|vendor| ("aarch64", vendor));
        for (isa, vendor) in intel.into_iter().chain(arm) {
            let rows = rows(isa, vendor);
            assert!(!rows.is_empty(), "{isa} {vendor}");
            for (i, a) in rows.iter().enumerate() {
                for b in rows[..i].iter().filter(|b| b.0 == a.0) {
                    let apart = a.1.start() > b.1.end() || b.1.start() > a.1.end();
                    assert!(apart, "{isa} {vendor}: {} and {}", a.2, b.2);
                }
            }
        }
    }
}
