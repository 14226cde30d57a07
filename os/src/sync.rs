//! Re-exports atomics, threads and time: those of `std`, or loom's in unit tests with `--cfg loom`.
//!
//! `.ci/loom` runs the modules that import them, not copies of them. It explores the interleavings
//! of a model up to a bounded number of preemptions, with the reads that weak memory permits.

#[cfg(all(test, loom))]
pub(crate) use clearpage_testkit::loom::{Arc, Instant, atomic, check, thread};
#[cfg(not(all(test, loom)))]
pub(crate) use std::{
    sync::{Arc, atomic},
    thread,
    time::Instant,
};
