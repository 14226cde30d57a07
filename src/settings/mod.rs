//! What every call reads: set by the first of them or by a setter, on whatever thread.
//!
//! There are no locks. Nobody waits, and the child of a fork goes on by itself, wherever another
//! thread of its parent was.

// Each file takes its atomics from the module around it, so that the models have them on loom's.
use core::sync::atomic;

mod entries;
#[cfg(all(test, loom))]
mod models;
#[cfg(all(feature = "std", unix))]
mod once;
mod switch;

pub(crate) use entries::Entries;
#[cfg(all(feature = "std", unix))]
pub(crate) use once::Once;
pub(crate) use switch::Switch;
