//! The facts of a CPU in a report, from which the default tuning is computed.

use std::collections::HashMap;

use clearpage::cpu::{Caches, Facts, Feature, Isa, Vendor, flags};
use serde::{Deserialize, Serialize};

/// [`Facts`], as JSON has them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// The instruction set architecture, as `std::env::consts::ARCH`.
    pub isa: String,
    /// x86: the CPUID vendor string. aarch64: the implementer code. Empty if unknown.
    pub vendor: String,
    /// x86: family, extended family added; 0 elsewhere.
    pub family: u32,
    /// x86: model, extended model included. aarch64: part number.
    pub model: u32,
    /// x86: stepping. aarch64: variant << 4 | revision.
    pub stepping: u32,
    /// Feature bits that matter here, by name, and whether programs can use them.
    pub features: Vec<(String, bool)>,
    /// Bytes of first-level data cache, 0 if unknown.
    pub l1d: usize,
    /// Bytes of second-level cache, 0 if unknown.
    pub l2: usize,
    /// Bytes of third-level cache, 0 if none or unknown.
    pub l3: usize,
    /// Bytes that DC ZVA, `cbo.zero` or `dcbz` clears at a time, 0 if unknown or on another ISA.
    pub block: usize,
    /// Whether a hypervisor says that it is there.
    pub hypervisor: bool,
}

impl Recorded {
    /// The facts of the CPU this runs on.
    pub fn detect() -> Self {
        let Facts { vendor, family, model, stepping, caches, block, hypervisor, .. } =
            Facts::detect();
        let Caches { l1d, l2, l3, .. } = caches;
        Self {
            isa: std::env::consts::ARCH.to_owned(),
            vendor: vendor.name().to_owned(),
            family,
            model,
            stepping,
            features: flags().map(|flag| (flag.feature.name().to_owned(), flag.set)).collect(),
            l1d,
            l2,
            l3,
            block,
            hypervisor,
        }
    }

    /// Returns the facts as the library has them, and a line for each unknown or impossible one.
    pub fn facts(&self) -> (Facts, Vec<String>) {
        let mut doubts = Vec::new();
        let mut facts = Facts::unknown(Isa::of_target(&self.isa));
        facts.vendor = Vendor::named(&self.vendor).unwrap_or_else(|| {
            doubts.push(format!("vendor {:?}: allowed are up to 12 ASCII characters", self.vendor));
            Vendor::UNKNOWN
        });
        (facts.family, facts.model, facts.stepping) = (self.family, self.model, self.stepping);
        for name in self.features.iter().filter(|feature| feature.1).map(|feature| &feature.0) {
            match Feature::named(name) {
                Some(feature) => facts.features = facts.features.with(feature),
                None => doubts.push(format!("feature {name:?} is unknown to this version")),
            }
        }
        (facts.caches.l1d, facts.caches.l2, facts.caches.l3) = (self.l1d, self.l2, self.l3);
        (facts.block, facts.hypervisor) = (self.block, self.hypervisor);
        doubts.extend(self.contradictions(&facts));
        (facts, doubts)
    }

    /// Returns a line for each pair of facts that no CPU has.
    fn contradictions(&self, facts: &Facts) -> Vec<String> {
        let mut found = Vec::new();
        let mut first = HashMap::new();
        for (name, set) in &self.features {
            if *first.entry(name).or_insert(set) != set {
                found.push(format!("feature {name} is both there and not there"));
            }
        }
        let levels = [("l1d", self.l1d), ("l2", self.l2), ("l3", self.l3)];
        for pair in levels.windows(2) {
            let ((inner, small), (outer, large)) = (pair[0], pair[1]);
            if large != 0 && large < small {
                found.push(format!("{outer} of {large} bytes is smaller than {inner} of {small}"));
            }
        }
        if facts.has(Feature::Avx512f) && !facts.has(Feature::Avx2) {
            found.push("avx512f is there, and avx2 is not".to_owned());
        }
        let x86 = matches!(facts.isa, Isa::X86 | Isa::X86_64);
        let named = facts.vendor == Vendor::AMD || facts.vendor == Vendor::INTEL;
        if named && (!x86 || facts.family == 0) {
            let (vendor, isa, family) = (&self.vendor, &self.isa, self.family);
            found.push(format!("{vendor} made no {isa} CPU of family {family}"));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_facts_equal_those_of_the_library() {
        let recorded = Recorded::detect();
        assert_eq!(recorded.facts(), (Facts::detect(), Vec::new()));
        let text = serde_json::to_string(&recorded).unwrap();
        assert_eq!(serde_json::from_str::<Recorded>(&text).unwrap(), recorded);
    }

    #[test]
    fn contradictions_are_named() {
        let feature = |name: &str, set| (name.to_owned(), set);
        let wrong = Recorded {
            isa: "aarch64".to_owned(),
            vendor: "AuthenticAMD".to_owned(),
            features: vec![
                feature("avx512f", true),
                feature("erms", true),
                feature("erms", false),
                feature("sse9", true),
            ],
            l1d: 48 << 10,
            l2: 32 << 10,
            l3: 0,
            ..Recorded::default()
        };
        let doubts = wrong.facts().1.join("; ");
        for what in [
            "\"sse9\" is unknown",
            "erms is both",
            "l2 of 32768 bytes is smaller",
            "avx2 is not",
            "made no aarch64 CPU",
        ] {
            assert!(doubts.contains(what), "{what}: {doubts}");
        }
        assert_eq!(wrong.facts().1.len(), 5, "{doubts}");
    }
}
