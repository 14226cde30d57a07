//! The facts that the default tuning is made from.

use core::fmt;
use core::str;

use super::{Caches, Feature, Features, Isa};
use crate::arch;

/// What the default tuning of a CPU is made from, and nothing else.
///
/// ```
/// use clearpage::Tuning;
/// use clearpage::cpu::{Facts, Isa};
///
/// let mut facts = Facts::detect();
/// assert_eq!(Tuning::for_cpu(&facts), Ok(Tuning::detect()));
/// facts.caches.l3 = 512 << 20; // the tuning of the same CPU with a larger cache
/// assert!(Tuning::for_cpu(&facts).is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// The instruction set architecture.
    pub isa: Isa,
    /// The maker.
    pub vendor: Vendor,
    /// x86: the family, extended family added (CPUID 1 EAX); 0 elsewhere.
    pub family: u32,
    /// x86: the model, extended model included (CPUID 1 EAX). aarch64: the part number (MIDR_EL1).
    pub model: u32,
    /// x86: the stepping (CPUID 1 EAX). aarch64: variant << 4 | revision (MIDR_EL1).
    pub stepping: u32,
    /// What programs can use.
    pub features: Features,
    /// The data caches.
    pub caches: Caches,
    /// Bytes that DC ZVA, `cbo.zero` or `dcbz` clears at a time; 0 if unknown or on another ISA.
    pub block: usize,
    /// Whether a hypervisor says that it is there.
    pub hypervisor: bool,
}

impl Facts {
    /// A CPU of which nothing is known but its ISA.
    pub const fn unknown(isa: Isa) -> Self {
        Self {
            isa,
            vendor: Vendor::UNKNOWN,
            family: 0,
            model: 0,
            stepping: 0,
            features: Features::NONE,
            caches: Caches { l1d: 0, l2: 0, l3: 0 },
            block: 0,
            hypervisor: false,
        }
    }

    /// The facts of the CPU this runs on.
    ///
    /// On x86 this takes some 20 CPUID instructions, each a microsecond or more under a hypervisor.
    pub fn detect() -> Self {
        Self {
            features: super::flags().filter(|flag| flag.set).map(|flag| flag.feature).collect(),
            caches: super::caches(),
            block: arch::block(),
            ..arch::identity()
        }
    }

    /// Whether programs can use `feature`.
    pub const fn has(&self, feature: Feature) -> bool {
        self.features.contains(feature)
    }
}

/// The maker of a CPU, by the name that the CPU gives: up to 12 ASCII characters.
///
/// x86: the string of CPUID leaf 0, such as `AuthenticAMD`. aarch64: the implementer code of
/// MIDR_EL1, such as `0x41`. Empty elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Vendor([u8; 12]);

impl Vendor {
    /// No name.
    pub const UNKNOWN: Self = Self([0; 12]);
    /// AMD, x86.
    pub const AMD: Self = Self(*b"AuthenticAMD");
    /// Hygon, x86; its CPUs descend from AMD's Zen.
    pub const HYGON: Self = Self(*b"HygonGenuine");
    /// Intel, x86.
    pub const INTEL: Self = Self(*b"GenuineIntel");

    /// The vendor called `name`; `None` if that is longer than 12 bytes or not printable ASCII.
    pub const fn named(name: &str) -> Option<Self> {
        let name = name.as_bytes();
        let mut bytes = [0; 12];
        if name.len() > bytes.len() {
            return None;
        }
        let mut i = 0;
        while i < name.len() {
            if !matches!(name[i], b' '..=b'~') {
                return None;
            }
            bytes[i] = name[i];
            i += 1;
        }
        Some(Self(bytes))
    }

    /// The name; empty if unknown.
    pub fn name(&self) -> &str {
        let len = self.0.iter().position(|&byte| byte == 0).unwrap_or(self.0.len());
        str::from_utf8(&self.0[..len]).unwrap_or_default()
    }

    /// The vendor whose name these bytes are; unknown if they are no name.
    #[allow(dead_code, reason = "not every ISA reports one")]
    pub(crate) fn of(bytes: &[u8]) -> Self {
        str::from_utf8(bytes).ok().and_then(Self::named).unwrap_or(Self::UNKNOWN)
    }
}

impl fmt::Debug for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendors_are_short_printable_names() {
        for name in ["", "0x41", "AuthenticAMD", "  Shanghai  "] {
            assert_eq!(Vendor::named(name).unwrap().name(), name);
        }
        assert_eq!(Vendor::named("AuthenticAMD"), Some(Vendor::AMD));
        for name in ["AuthenticAMD2", "a\0", "\u{e9}", "\n"] {
            assert_eq!(Vendor::named(name), None, "{name:?}");
        }
    }

    #[test]
    fn the_detected_facts_are_those_of_the_build() {
        let facts = Facts::detect();
        assert_eq!(facts.isa, Isa::BUILT_FOR);
        assert_eq!(facts, Facts::detect());
        assert_eq!(facts.caches, super::super::caches());
        let set = super::super::flags().filter(|flag| flag.set).map(|flag| flag.feature);
        assert!(set.eq(facts.features.iter()), "in the order of Feature::ALL");
    }
}
