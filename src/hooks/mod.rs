//! Adds Linux's `init_on_alloc` and `init_on_free` to allocators.
//!
//! [`InitPolicy`] is set for the process, [`AllocFlags`] for one allocation.
//! [`InitPolicy::wants_init_on_alloc`] combines the two. [`PageHooks`] applies the
//! result to the frames of a page allocator, [`ClearingAlloc`] to the blocks of any `GlobalAlloc`,
//! [`post_alloc`] and [`free_prepare`] to the blocks of any other allocator.
//!
//! # The truth table
//!
//! The effect of each combination of flags and policy at allocation:
//!
#![doc = include_str!("../../docs/truth-table.md")]
//!
//! - `ZERO_TAGS` and `on_free` affect no row. Memory tags are set if and only if `ZERO_TAGS` is
//!   passed: whether the data is zero, or must be, is independent of its tags.
//! - On free, only `on_free` and `KNOWN_ZERO` matter: under `on_free` memory is cleared unless it
//!   is known to be zero.
//! - `ZERO` takes precedence over `SKIP_ZERO` and `WILL_OVERWRITE`: a redundant clear costs time,
//!   a missing one leaks data. In Linux `__GFP_SKIP_ZERO` takes precedence, but its caller,
//!   vmalloc, then clears the memory itself.
//!
//! # Freed memory is not known to be zero
//!
//! Under `on_free` a block is zero when its allocator receives it. It stays zero only if nothing
//! writes to free blocks, but many allocators link or poison free blocks in place. So `on_free`
//! does not replace a clear at allocation. An allocator with external metadata, such as a kernel's
//! page allocator, passes `KNOWN_ZERO` for a block wiped on free and not mapped since.

mod blocks;
mod clearing_alloc;
#[cfg(all(feature = "std", any(unix, windows)))]
mod environment;
mod flags;
mod pages;
mod policy;
mod stats;

pub use blocks::{free_prepare, post_alloc};
pub use clearing_alloc::ClearingAlloc;
#[cfg(all(feature = "std", any(unix, windows)))]
pub use environment::{PolicyError, init_policy_from_env};
pub use flags::AllocFlags;
pub use pages::{DataState, InitOutcome, PageHooks, SkipReason};
pub use policy::{InitPolicy, policy, set_policy};
#[cfg(target_has_atomic = "64")]
pub use stats::Counters;
pub use stats::{Counts, NoStats, Op, OpCounts, Stats};

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::cpu::caches;
use crate::intent::Intent;

/// Returns Hot up to the size of the second-level cache, Cold above it.
#[inline]
pub(super) fn hot_up_to_l2(bytes: u64) -> Intent {
    /// The size, or 0 before the first call. CPUID is slow, more so in a virtual machine.
    static L2: AtomicUsize = AtomicUsize::new(0);
    #[cold]
    fn ask() -> usize {
        // If the size is unknown, assume 1 MiB, which is common on server CPUs.
        let l2 = if caches().l2 == 0 { 1 << 20 } else { caches().l2 };
        L2.store(l2, Relaxed);
        l2
    }
    let l2 = match L2.load(Relaxed) {
        0 => ask(),
        l2 => l2,
    };
    if bytes <= l2 as u64 { Intent::Hot } else { Intent::Cold }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_up_to_the_second_level_cache_are_hot() {
        let l2 = if caches().l2 == 0 { 1 << 20 } else { caches().l2 as u64 };
        // The second call finds the size that the first one stored.
        for _ in 0..2 {
            assert_eq!([1, l2, l2 + 1].map(hot_up_to_l2), [Intent::Hot, Intent::Hot, Intent::Cold]);
        }
    }
}
