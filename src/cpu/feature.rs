//! CPU features and sets of them.

use core::fmt;

macro_rules! features {
    ($($(#[$doc:meta])* $variant:ident $name:literal,)*) => {
        /// A CPU feature that a primitive requires or that affects the choice of primitives.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Feature {
            $($(#[$doc])* $variant,)*
        }

        impl Feature {
            /// Every feature, of all ISAs.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the name. If `/proc/cpuinfo` of Linux lists the feature, it is that name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

features! {
    /// x86: SSE2 instructions.
    Sse2 "sse2",
    /// x86: enhanced REP MOVSB/STOSB.
    Erms "erms",
    /// x86: fast short REP MOVSB.
    Fsrm "fsrm",
    /// x86: fast zero-length REP MOVSB.
    Fzrm "fzrm",
    /// x86: fast short REP STOSB.
    Fsrs "fsrs",
    /// x86_64: AVX2, with registers that the operating system saves.
    Avx2 "avx2",
    /// x86_64: the AVX-512 foundation, with registers that the operating system saves.
    Avx512f "avx512f",
    /// x86_64: CLZERO, which zeroes a cache line.
    Clzero "clzero",
    /// aarch64: DC ZVA is permitted, and its block fits in a page.
    DcZva "dc_zva",
    /// aarch64: memory set instructions (FEAT_MOPS).
    Mops "mops",
    /// aarch64: memory tags (FEAT_MTE2).
    Mte "mte",
    /// arm: Advanced SIMD.
    Neon "neon",
    /// riscv64: `cbo.zero`, and the size of its block is known.
    Zicboz "zicboz",
    /// powerpc64: the size of the block that `dcbz` clears is known.
    Dcbz "dcbz",
    /// loongarch64: 16-byte vectors.
    Lsx "lsx",
    /// loongarch64: 32-byte vectors.
    Lasx "lasx",
}

impl Feature {
    /// Returns the feature that has this [`name`](Self::name).
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|feature| feature.name() == name)
    }
}

/// A set of features.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Features(u32);

impl Features {
    /// The empty set.
    pub const NONE: Self = Self(0);

    /// Returns this set with `feature` added.
    #[must_use]
    pub const fn with(self, feature: Feature) -> Self {
        Self(self.0 | 1 << feature as u8)
    }

    /// Returns this set without `feature`.
    #[must_use]
    pub const fn without(self, feature: Feature) -> Self {
        Self(self.0 & !(1 << feature as u8))
    }

    /// Returns whether the set contains `feature`.
    pub const fn contains(self, feature: Feature) -> bool {
        self.0 & 1 << feature as u8 != 0
    }

    pub(super) const fn bits(self) -> u32 {
        self.0
    }

    pub(super) const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Returns the features of the set in the order of [`Feature::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Feature> + Clone {
        Feature::ALL.iter().copied().filter(move |&feature| self.contains(feature))
    }
}

impl FromIterator<Feature> for Features {
    fn from_iter<I: IntoIterator<Item = Feature>>(features: I) -> Self {
        features.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Debug for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Feature::name)).finish()
    }
}
