//! Stores the policy of the process in one byte, read with one relaxed load.
//!
//! Until the environment is read, both bits are set: a "no" is final after that load, and a "yes"
//! is settled out of line, where errors of the environment are reported too.

use core::sync::atomic::AtomicU8;

use super::flags::AllocFlags;
use crate::settings::Switch;

/// Whether memory is cleared on allocation and on free: Linux's boot parameters `init_on_alloc`
/// and `init_on_free`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct InitPolicy {
    /// Clear memory on allocation, so that its new owner cannot read old contents.
    pub on_alloc: bool,
    /// Clear memory on free, so that its contents do not outlive their owner.
    pub on_free: bool,
}

impl InitPolicy {
    /// Clears neither on allocation nor on free.
    pub const OFF: Self = Self { on_alloc: false, on_free: false };
    /// Clears on allocation only.
    pub const ON_ALLOC: Self = Self { on_alloc: true, on_free: false };
    /// Clears on free only.
    pub const ON_FREE: Self = Self { on_alloc: false, on_free: true };
    /// Clears both on allocation and on free.
    pub const BOTH: Self = Self { on_alloc: true, on_free: true };

    /// Returns whether to clear the data of an allocation with these flags under this policy: the
    /// [truth table](super).
    pub const fn wants_init_on_alloc(self, flags: AllocFlags) -> bool {
        let excused = AllocFlags::SKIP_ZERO.union(AllocFlags::WILL_OVERWRITE);
        let policy = self.on_alloc && !flags.intersects(excused);
        !flags.contains(AllocFlags::KNOWN_ZERO) && (flags.contains(AllocFlags::ZERO) || policy)
    }

    const fn from_bits(bits: u8) -> Self {
        Self { on_alloc: bits & ON_ALLOC != 0, on_free: bits & ON_FREE != 0 }
    }

    pub(super) const fn bits(self) -> u8 {
        (self.on_alloc as u8 * ON_ALLOC) | (self.on_free as u8 * ON_FREE)
    }
}

const ON_ALLOC: u8 = 1;
const ON_FREE: u8 = 2;
/// Neither set nor read yet: may want both.
pub(super) const UNREAD: u8 = 4 | ON_ALLOC | ON_FREE;

pub(super) static SWITCH: Switch =
    Switch(AtomicU8::new(if cfg!(all(feature = "std", any(unix, windows))) { UNREAD } else { 0 }));

/// Returns the current policy of the process, with one relaxed load.
///
/// Before [`set_policy`] it is [`InitPolicy::OFF`]. With `std` on Unix and Windows the environment
/// sets it, as `init_policy_from_env` describes. If a variable is
/// malformed, the first call exits the process with status 2.
#[inline]
pub fn policy() -> InitPolicy {
    Loaded::now().settle()
}

/// A policy that may still be unread and then wants both. "No" is final, "yes" must be settled: if
/// the policy is off, an allocator pays for one load and one test.
#[derive(Clone, Copy)]
pub(super) struct Loaded(u8);

impl Loaded {
    /// Loads the policy of the process, without reading the environment.
    #[inline(always)]
    pub(super) fn now() -> Self {
        Self(SWITCH.get())
    }

    pub(super) const fn fixed(policy: InitPolicy) -> Self {
        Self(policy.bits())
    }

    /// Returns the policy, or both if it is unread.
    #[inline(always)]
    pub(super) const fn may_want(self) -> InitPolicy {
        InitPolicy::from_bits(self.0)
    }

    /// Returns the policy, after reading the environment if that is still due.
    #[inline(always)]
    pub(super) fn settle(self) -> InitPolicy {
        #[cfg(all(feature = "std", any(unix, windows)))]
        if self.0 == UNREAD {
            return first_use();
        }
        self.may_want()
    }
}

/// Sets the policy of the process for all threads, overriding the environment.
///
/// Memory already allocated is unchanged. When it is freed, the policy at that time applies.
pub fn set_policy(policy: InitPolicy) {
    SWITCH.set(policy.bits());
}

#[cfg(all(feature = "std", any(unix, windows)))]
#[cold]
#[inline(never)]
fn first_use() -> InitPolicy {
    if let Err(error) = super::environment::init_policy_from_env() {
        crate::env::refuse(&error);
    }
    Loaded::now().may_want()
}
