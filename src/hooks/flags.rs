//! Flags that the caller passes for one allocation.

use core::fmt;
use core::ops::{BitOr, BitOrAssign};

/// A set of flags for one allocation. The [truth table](super) defines their effect.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct AllocFlags(u8);

impl AllocFlags {
    /// No flags: the policy alone decides.
    pub const NONE: Self = Self(0);
    /// The caller relies on zeroed memory, as with `__GFP_ZERO` and `calloc`. Overrides all flags
    /// except [`KNOWN_ZERO`](Self::KNOWN_ZERO).
    pub const ZERO: Self = Self(1);
    /// The caller applies the policy itself, as Linux's vmalloc does with `__GFP_SKIP_ZERO`.
    pub const SKIP_ZERO: Self = Self(1 << 1);
    /// The caller needs zeroed memory tags (`__GFP_ZEROTAGS`; MTE on aarch64).
    pub const ZERO_TAGS: Self = Self(1 << 2);
    /// Every byte is already zero: the memory is fresh from the operating system, or the host of
    /// a virtual machine cleared it. Does not apply to the tags.
    pub const KNOWN_ZERO: Self = Self(1 << 3);
    /// The caller writes every byte before any read: a copy-on-write copy, or a disk read that
    /// fills the memory.
    pub const WILL_OVERWRITE: Self = Self(1 << 4);

    const NAMES: [(&str, Self); 5] = [
        ("ZERO", Self::ZERO),
        ("SKIP_ZERO", Self::SKIP_ZERO),
        ("ZERO_TAGS", Self::ZERO_TAGS),
        ("KNOWN_ZERO", Self::KNOWN_ZERO),
        ("WILL_OVERWRITE", Self::WILL_OVERWRITE),
    ];

    /// Returns the flags of both sets. Unlike `|`, it works in constants.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the flags that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Returns whether all flags of `other` are set; always true for [`NONE`](Self::NONE).
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns whether any flag of `other` is set.
    pub(super) const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for AllocFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

impl BitOrAssign for AllocFlags {
    fn bitor_assign(&mut self, other: Self) {
        *self = self.union(other);
    }
}

impl fmt::Debug for AllocFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for (name, flag) in Self::NAMES {
            if self.contains(flag) {
                write!(f, "{between}{name}")?;
                between = " | ";
            }
        }
        if between.is_empty() { f.write_str("NONE") } else { Ok(()) }
    }
}
