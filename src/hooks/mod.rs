//! Adds Linux's `init_on_alloc` and `init_on_free` to allocators.
//!
//! [`InitPolicy`] is set for the process, [`AllocFlags`] for one allocation.
//! [`InitPolicy::wants_init_on_alloc`] combines the two. [`PageHooks`] applies the
//! result to the frames of a page allocator, [`ClearingAlloc`] to the blocks of any `GlobalAlloc`,
//! [`post_alloc`] and [`free_prepare`] to the blocks of any other allocator.
//!
//! # Hot or Cold
//!
//! The hooks choose the intent by one rule, at allocation and at free alike:
//!
//! | memory | up to the second-level cache | longer |
//! |---|---|---|
//! | frames ([`PageHooks`]) | [`Hot`](crate::Intent::Hot) | [`Cold`](crate::Intent::Cold) |
//! | blocks of a heap ([`ClearingAlloc`], [`post_alloc`], [`free_prepare`]) | `Hot` | `Hot` |
//!
//! A heap reuses a freed block soon, while it is cached. Cold then takes 2.3 to 4.2 times as long in
//! total as Hot; where the block is reused late, Hot takes at most 1.5 times as long as Cold
//! ([measured in jemalloc](crate::guide#c-allocators)). Long blocks of frames are huge pages: often
//! little of one is used, and clearing it in the cache evicts the working set. An allocator that
//! knows more than this rule calls [`raw`](crate::raw) with its own intent.
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
