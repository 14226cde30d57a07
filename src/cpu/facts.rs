//! The properties of a CPU from which its default tuning is derived.

use core::fmt;
use core::str;

use super::{Caches, Feature, Features, Isa};
use crate::arch;

/// All properties of a CPU from which its default tuning is derived.
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
    /// The vendor.
    pub vendor: Vendor,
    /// x86: the family, including the extended family (CPUID 1 EAX). Other ISAs: 0.
    pub family: u32,
    /// x86: the model, including the extended model (CPUID 1 EAX). aarch64: MIDR_EL1 part number.
    pub model: u32,
    /// x86: the stepping (CPUID 1 EAX). aarch64: variant << 4 | revision (MIDR_EL1).
    pub stepping: u32,
    /// The features that programs can use.
    pub features: Features,
    /// The sizes of the data caches.
    pub caches: Caches,
    /// Bytes that one DC ZVA, `cbo.zero` or `dcbz` clears; 0 if unknown or not applicable.
    pub block: usize,
    /// x86: whether a hypervisor reports its presence (CPUID 1 ECX bit 31). Other ISAs: false.
    pub hypervisor: bool,
}

impl Facts {
    /// Creates the facts of a CPU of which only the ISA is known.
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

    /// Detects the facts of this CPU, which takes as long as [`init`](crate::init). After
    /// [`init_with`](crate::init_with), features, caches and block are those that it was given.
    pub fn detect() -> Self {
        Self {
            features: super::declared::features().unwrap_or_else(|| {
                super::flags().filter(|flag| flag.set).map(|flag| flag.feature).collect()
            }),
            caches: super::caches(),
            block: arch::block(),
            ..arch::identity()
        }
    }

    /// Returns whether programs can use `feature`.
    pub const fn has(&self, feature: Feature) -> bool {
        self.features.contains(feature)
    }
}

/// The vendor of a CPU, as a name of up to 12 ASCII characters.
///
/// x86: the string of CPUID leaf 0, such as `AuthenticAMD`. aarch64: the implementer code of
/// MIDR_EL1, such as `0x41`. Other ISAs: empty.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Vendor([u8; 12]);

impl Vendor {
    /// An unknown vendor, with an empty name.
    pub const UNKNOWN: Self = Self([0; 12]);
    /// AMD, x86.
    pub const AMD: Self = Self(*b"AuthenticAMD");
    /// Hygon, x86; its CPUs are derived from AMD's Zen.
    pub const HYGON: Self = Self(*b"HygonGenuine");
    /// Intel, x86.
    pub const INTEL: Self = Self(*b"GenuineIntel");

    /// Creates a vendor; returns `None` if `name` exceeds 12 bytes or is not printable ASCII.
    pub const fn named(name: &str) -> Option<Self> {
        Self::from_bytes(name.as_bytes())
    }

    const fn from_bytes(name: &[u8]) -> Option<Self> {
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

    /// Returns the name, which is empty if the vendor is unknown.
    pub fn name(&self) -> &str {
        let len = self.0.iter().position(|&byte| byte == 0).unwrap_or(self.0.len());
        str::from_utf8(&self.0[..len]).unwrap_or_default()
    }

    /// Creates a vendor from reported bytes; returns [`Self::UNKNOWN`] if they are not a name.
    #[allow(dead_code, reason = "not every ISA reports one")]
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self::from_bytes(bytes).unwrap_or(Self::UNKNOWN)
    }
}

impl fmt::Debug for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().fmt(f)
    }
}
