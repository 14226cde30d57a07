//! Atomics, threads and time of the modules that a model checker runs.
//!
//! They are the standard ones. In unit tests built with `--cfg loom` they are loom's: `.ci/loom` runs
//! these modules, not copies of them, through the interleavings of a model, with a bounded number of
//! preemptions, and its weakly ordered reads.

#[cfg(all(test, loom))]
mod model;

#[cfg(all(test, loom))]
pub(crate) use self::model::{Arc, Instant, atomic, check, thread};
#[cfg(not(all(test, loom)))]
pub(crate) use std::{
    sync::{Arc, atomic},
    thread,
    time::Instant,
};
