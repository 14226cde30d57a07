//! What x86_64 reports by CPUID is what Linux, which decodes it independently, shows in
//! `/proc/cpuinfo` and in sysfs. An emulator shows the files of its host, so it is not compared.
#![cfg(all(feature = "std", target_arch = "x86_64", target_os = "linux"))]

use std::fs;

use clearpage::cpu::{Facts, Feature, caches, microcode};
use clearpage::primitives;
use clearpage_testkit::emulator::emulator;

/// Returns the value of a line of the first CPU.
fn shown(key: &str) -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap();
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let line = lines.find(|(name, _)| name.trim_end() == key);
    line.unwrap_or_else(|| panic!("no line {key}")).1.trim().to_owned()
}

fn has_flag(name: &str) -> bool {
    shown("flags").split(' ').any(|flag| flag == name)
}

#[test]
fn the_identity_is_that_of_cpuinfo() {
    if emulator().is_some() {
        return;
    }
    let facts = Facts::detect();
    assert_eq!(facts.vendor.name(), shown("vendor_id"));
    let numbers =
        [("cpu family", facts.family), ("model", facts.model), ("stepping", facts.stepping)];
    for (key, number) in numbers {
        assert_eq!(number.to_string(), shown(key), "{key}");
    }
    assert_eq!(facts.hypervisor, has_flag("hypervisor"));
    let revision = microcode().map(|revision| format!("{revision:#x}"));
    assert_eq!(revision.as_deref(), Some(&*shown("microcode")));
}

#[test]
fn the_features_are_those_of_cpuinfo() {
    if emulator().is_some() {
        return;
    }
    let facts = Facts::detect();
    let features = [
        (Feature::Erms, "erms"),
        (Feature::Fsrm, "fsrm"),
        (Feature::Fzrm, "fzrm"),
        (Feature::Fsrs, "fsrs"),
        (Feature::Avx2, "avx2"),
        (Feature::Avx512f, "avx512f"),
        (Feature::Clzero, "clzero"),
    ];
    for (feature, flag) in features {
        // Kernels before 6.4 do not know the last two of REP.
        let unknown = matches!(feature, Feature::Fzrm | Feature::Fsrs) && !has_flag(flag);
        assert!(facts.has(feature) == has_flag(flag) || unknown, "{flag}");
    }
    for primitive in primitives().iter().filter(|row| row.needs().is_some()) {
        let needs = primitive.needs().unwrap();
        let flag = features.iter().find(|(feature, _)| *feature == needs).unwrap().1;
        assert_eq!(primitive.available().is_ok(), has_flag(flag), "{}", primitive.name());
    }
}

#[test]
fn the_caches_are_those_of_sysfs() {
    if emulator().is_some() {
        return;
    }
    // A container may hide the folder.
    let Ok(folder) = fs::read_dir("/sys/devices/system/cpu/cpu0/cache") else { return };
    let mut found = [0; 4];
    for index in folder.map(|entry| entry.unwrap().path()) {
        let read = |name| fs::read_to_string(index.join(name)).map(|text| text.trim().to_owned());
        let (Ok(level), Ok(kind), Ok(size)) = (read("level"), read("type"), read("size")) else {
            continue;
        };
        if kind != "Instruction" {
            let kib: usize = size.strip_suffix('K').unwrap().parse().unwrap();
            found[level.parse::<usize>().unwrap()] = kib << 10;
        }
    }
    let caches = caches();
    assert_eq!([caches.l1d, caches.l2, caches.l3], found[1..]);
}
