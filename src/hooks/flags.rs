//! What one allocation says of itself.

use core::fmt;
use core::ops::{BitOr, BitOrAssign};

/// A set of flags of one allocation. What they amount to is the [truth table](super).
///
/// ```
/// use clearpage::hooks::AllocFlags;
///
/// const STACK: AllocFlags = AllocFlags::ZERO.union(AllocFlags::ZERO_TAGS);
/// assert!(STACK.contains(AllocFlags::ZERO));
/// assert_eq!(STACK, AllocFlags::ZERO_TAGS | AllocFlags::ZERO);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct AllocFlags(u8);

impl AllocFlags {
    /// No flag: the policy decides.
    pub const NONE: Self = Self(0);
    /// The caller relies on zeroes, as `__GFP_ZERO` and `calloc` do: stronger than all but
    /// [`KNOWN_ZERO`](Self::KNOWN_ZERO).
    pub const ZERO: Self = Self(1);
    /// The caller does by itself what the policy asks for, as Linux's vmalloc does with
    /// `__GFP_SKIP_ZERO`.
    pub const SKIP_ZERO: Self = Self(1 << 1);
    /// The caller needs the memory's tags zero (`__GFP_ZEROTAGS`; MTE on aarch64).
    pub const ZERO_TAGS: Self = Self(1 << 2);
    /// Every byte is zero already: fresh from the operating system, or cleared by the host of a
    /// virtual machine. Says nothing of the tags.
    pub const KNOWN_ZERO: Self = Self(1 << 3);
    /// The caller writes all of it before anybody reads it: the copy of copy-on-write, or a read
    /// from disk that fills it.
    pub const WILL_OVERWRITE: Self = Self(1 << 4);

    const NAMES: [(&str, Self); 5] = [
        ("ZERO", Self::ZERO),
        ("SKIP_ZERO", Self::SKIP_ZERO),
        ("ZERO_TAGS", Self::ZERO_TAGS),
        ("KNOWN_ZERO", Self::KNOWN_ZERO),
        ("WILL_OVERWRITE", Self::WILL_OVERWRITE),
    ];

    /// The flags of both: `|` in constants.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all flags of `other` are here. [`NONE`](Self::NONE) always is.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any flag of `other` is here.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_a_set() {
        let two = AllocFlags::ZERO | AllocFlags::KNOWN_ZERO;
        assert!(two.contains(AllocFlags::ZERO) && two.contains(two));
        assert!(!two.contains(AllocFlags::ZERO | AllocFlags::ZERO_TAGS));
        assert!(two.intersects(AllocFlags::ZERO | AllocFlags::ZERO_TAGS));
        assert!(!two.intersects(AllocFlags::ZERO_TAGS));
        assert!(AllocFlags::NONE.contains(AllocFlags::NONE));
        let mut flags = AllocFlags::default();
        flags |= two;
        assert_eq!(flags, two);
    }

    #[test]
    fn they_print_as_they_are_written() {
        assert_eq!(format!("{:?}", AllocFlags::NONE), "NONE");
        let all = AllocFlags::NAMES.into_iter().fold(AllocFlags::NONE, |all, (_, f)| all | f);
        assert_eq!(
            format!("{all:?}"),
            "ZERO | SKIP_ZERO | ZERO_TAGS | KNOWN_ZERO | WILL_OVERWRITE"
        );
    }
}
