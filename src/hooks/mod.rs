//! The allocator's side: `init_on_alloc` and `init_on_free`, as Linux calls them.
//!
//! [`InitPolicy`] is what the process wants, [`AllocFlags`] what one allocation says of itself.
//! [`want_init_on_alloc`] and [`want_init_on_free`] put them together. [`PageHooks`] does what they
//! say to the frames of a page allocator, [`ClearingAlloc`] around any `GlobalAlloc`.
//!
//! # The truth table
//!
//! Every combination of flags and policy, at allocation:
//!
#![doc = include_str!("../../docs/truth-table.md")]
//!
//! - `ZERO_TAGS` and `on_free` change no row. Memory tags are set when and only when `ZERO_TAGS`
//!   is there: that the data is zero, or nobody asks for it, says nothing about its tags.
//! - When memory is freed, it is cleared when and only when the policy is `on_free`.
//! - A caller who asks for zeroes and for none (`ZERO` with `SKIP_ZERO` or `WILL_OVERWRITE`) gets
//!   them: a clear too many costs time, one too few a secret. Linux lets `__GFP_SKIP_ZERO` win,
//!   but only where its caller, vmalloc, then clears by itself.
//!
//! # Freed memory is not known to be zero
//!
//! Under `on_free` a block is zero when it is given to its allocator. It is zero when it is taken
//! out again only if nobody writes to free blocks. Allocators that link free blocks through the
//! blocks themselves do, and so do those that poison them. So `on_free` excuses no clear at
//! allocation. An allocator that keeps its books elsewhere, as a kernel does for page frames, says
//! `KNOWN_ZERO` of a block that it wiped when it was freed and that nobody mapped since.

mod clearing_alloc;
mod crossing;
#[cfg(all(feature = "std", unix))]
mod environment;
mod flags;
mod pages;
mod policy;
mod stats;

pub use clearing_alloc::ClearingAlloc;
#[cfg(all(feature = "std", unix))]
pub use environment::{PolicyError, init};
pub use flags::AllocFlags;
pub use pages::{Data, Done, PageHooks, Why};
pub use policy::{InitPolicy, policy, set_policy, want_init_on_alloc, want_init_on_free};
#[cfg(target_has_atomic = "64")]
pub use stats::Counters;
#[cfg(all(feature = "std", target_has_atomic = "64"))]
pub use stats::TimedCounters;
pub use stats::{Counts, NoStats, Side, SideCounts, Stats};
