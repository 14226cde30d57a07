//! What the process wants: one byte, read with one relaxed load.

use core::sync::atomic::AtomicU8;

use super::flags::AllocFlags;
use crate::settings::Switch;

/// Whether memory is cleared when it is allocated, and when it is freed: Linux's boot parameters
/// `init_on_alloc` and `init_on_free`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct InitPolicy {
    /// Nobody gets to see what was there before.
    pub on_alloc: bool,
    /// Nothing of the user's stays behind.
    pub on_free: bool,
}

impl InitPolicy {
    /// Neither.
    pub const OFF: Self = Self { on_alloc: false, on_free: false };
    /// When it is allocated.
    pub const ON_ALLOC: Self = Self { on_alloc: true, on_free: false };
    /// When it is freed.
    pub const ON_FREE: Self = Self { on_alloc: false, on_free: true };
    /// Both.
    pub const BOTH: Self = Self { on_alloc: true, on_free: true };

    /// Whether the data of an allocation with these flags is to be cleared under this policy: the
    /// [truth table](super).
    pub const fn wants_init_on_alloc(self, flags: AllocFlags) -> bool {
        let excused = AllocFlags::SKIP_ZERO.union(AllocFlags::WILL_OVERWRITE);
        let policy = self.on_alloc && !flags.intersects(excused);
        !flags.contains(AllocFlags::KNOWN_ZERO) && (flags.contains(AllocFlags::ZERO) || policy)
    }

    const fn from_bits(bits: u8) -> Self {
        Self { on_alloc: bits & ON_ALLOC != 0, on_free: bits & ON_FREE != 0 }
    }

    const fn bits(self) -> u8 {
        (self.on_alloc as u8 * ON_ALLOC) | (self.on_free as u8 * ON_FREE)
    }
}

const ON_ALLOC: u8 = 1;
const ON_FREE: u8 = 2;
/// Neither set nor read yet: both are wanted until somebody knows better.
#[cfg(all(feature = "std", unix))]
const UNREAD: u8 = 4 | ON_ALLOC | ON_FREE;

#[cfg(all(feature = "std", unix))]
static SWITCH: Switch = Switch(AtomicU8::new(UNREAD));
#[cfg(not(all(feature = "std", unix)))]
static SWITCH: Switch = Switch(AtomicU8::new(0));

/// What the process wants now. One relaxed load.
///
/// Until [`set_policy`] it is [`InitPolicy::OFF`]; with `std`, on Unix, it is what the environment
/// says, as [`init`](super::init) tells. If a variable is wrong, the first call ends the process
/// with exit code 2.
#[inline]
pub fn policy() -> InitPolicy {
    Loaded::now().settle()
}

/// A policy that perhaps nobody read yet; then it wants both. A no is final, a yes must be settled:
/// so where the answer is no, an allocator pays a load and a test.
#[derive(Clone, Copy)]
pub(super) struct Loaded(u8);

impl Loaded {
    /// That of the process.
    #[inline(always)]
    pub(super) fn now() -> Self {
        Self(SWITCH.get())
    }

    /// One that is known.
    pub(super) const fn fixed(policy: InitPolicy) -> Self {
        Self(policy.bits())
    }

    /// The most that it can be.
    #[inline(always)]
    pub(super) const fn may_want(self) -> InitPolicy {
        InitPolicy::from_bits(self.0)
    }

    /// What it is.
    #[inline(always)]
    pub(super) fn settle(self) -> InitPolicy {
        #[cfg(all(feature = "std", unix))]
        if self.0 == UNREAD {
            return first_use();
        }
        self.may_want()
    }
}

/// Makes `policy` what the process wants from now on, on all threads; wins over the environment.
///
/// Memory that is allocated stays as it is; when it is freed the policy of that moment counts.
pub fn set_policy(policy: InitPolicy) {
    SWITCH.set(policy.bits());
}

/// Whether the data of an allocation with these flags is to be cleared: the [truth table](super).
#[inline]
pub fn want_init_on_alloc(flags: AllocFlags) -> bool {
    policy().wants_init_on_alloc(flags)
}

/// Whether memory that is freed is to be cleared.
#[inline]
pub fn want_init_on_free() -> bool {
    policy().on_free
}

#[cfg(all(feature = "std", unix))]
#[cold]
#[inline(never)]
fn first_use() -> InitPolicy {
    if let Err(error) = super::environment::init() {
        crate::environment::refuse(&error);
    }
    Loaded::now().may_want()
}

/// Whether nobody has set or read it yet.
#[cfg(all(feature = "std", unix))]
pub(super) fn is_unread() -> bool {
    SWITCH.get() == UNREAD
}

/// [`set_policy`], unless somebody did in the meantime.
#[cfg(all(feature = "std", unix))]
pub(super) fn set_if_unread(policy: InitPolicy) {
    SWITCH.set_from(UNREAD, policy.bits());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_its_bits() {
        for policy in [InitPolicy::OFF, InitPolicy::ON_ALLOC, InitPolicy::ON_FREE, InitPolicy::BOTH]
        {
            assert_eq!(InitPolicy::from_bits(policy.bits()), policy);
        }
        assert_eq!(InitPolicy::default(), InitPolicy::OFF);
    }

    #[test]
    #[cfg(all(feature = "std", unix))]
    fn unread_is_both_for_who_does_not_ask() {
        assert_eq!(InitPolicy::from_bits(UNREAD), InitPolicy::BOTH);
        assert_ne!(InitPolicy::BOTH.bits(), UNREAD);
    }
}
