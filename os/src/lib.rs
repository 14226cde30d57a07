//! Zeroed memory from the operating system, for [`clearpage`].
//!
//! | module | what it does |
//! |---|---|
//! | [`prefault`] | faults memory in with few system calls, which also zeroes it |
//! | [`parallel`] | clears a long range on as many threads as the memory feeds |
//! | [`reset`] | zeroes used memory: clears it, or has the kernel drop its pages |
//! | [`pool`] | keeps blocks zeroed in advance by an idle thread |
//! | [`file_frames`] | clears pages of files, among them memfd and hugetlbfs (Linux) |
//! | [`measure`] | measures which primitive is fastest on this CPU |
//!
//! `clearpage` itself has no allocator, no threads and no system calls beyond reading the
//! environment. This package has all of them.

#[cfg(any(target_os = "linux", target_os = "android"))]
pub mod file_frames;
pub mod measure;
pub mod parallel;
pub mod pool;
pub mod prefault;
pub mod raw;
pub mod reset;
mod sync;

pub use measure::measure;
pub use pool::ZeroPool;
pub use prefault::{HugePages, prefault};
pub use reset::{Method, Reuse, reset, reset_with};

/// Size of a huge page on most machines. A cut at a multiple of it splits no huge page. If huge
/// pages are larger, a cut may split one, which costs only time.
const HUGE: usize = 2 << 20;
