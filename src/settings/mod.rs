//! Settings of the process, which every call reads and the first call or a setter writes.
//!
//! There are no locks: no thread waits for another, and the child of a fork can continue wherever
//! the other threads of its parent were.

// The files import their atomics from `super`, so that `tests/models.rs` can compile them
// with loom's.
use core::sync::atomic;

mod entries;
#[cfg(all(feature = "std", any(unix, windows)))]
mod once;
mod switch;

pub(crate) use entries::Entries;
#[cfg(all(feature = "std", any(unix, windows)))]
pub(crate) use once::Once;
pub(crate) use switch::Switch;
