//! Zeroed memory from the operating system, for [`clearpage`].
//!
//! | module | what it does |
//! |---|---|
//! | [`prefault`](mod@prefault) | faults fresh memory in with few system calls, which also zeroes it |
//! | [`parallel`] | clears or faults in a long range on as many threads as pay off |
//! | [`reset`](mod@reset) | zeroes used memory by the cheapest method: clears it, or drops its pages |
//! | [`pool`] | keeps blocks of pages zeroed, ahead of time, on a thread of idle priority |
//! | [`file_frames`] | zeroes pages of files, memfds and hugetlbfs without a lasting mapping (Linux) |
//! | [`raw`] | has the counterparts on pointers, for allocators |
//! | [`measure`](mod@measure) | measures which primitive is fastest on this CPU |
//!
//! What each system does:
//!
//! | | Linux, Android | Windows | macOS, BSDs, illumos |
//! |---|---|---|---|
//! | [`prefault`](mod@prefault) | huge pages, one system call | a write per page | a write per page |
//! | [`parallel`] | threads near the memory's node | threads | threads |
//! | [`reset`](mod@reset), [`raw::wipe`] | clears, skips or drops pages | clears | clears |
//! | [`pool`]: blocks | mappings | global allocator | global allocator |
//! | [`pool`]: its thread | idle priority | normal priority | normal priority |
//! | [`pool`]: short memory | releases blocks | not detected | not detected |
//! | [`file_frames`] | all of it | absent | absent |
//! | [`measure`](mod@measure) | the thread's CPU time | wall time | wall time |
//!
//! `clearpage` itself has no allocator, no threads and no system calls beyond reading the
//! environment. This package has all of them.

#[cfg(any(target_os = "linux", target_os = "android"))]
pub mod file_frames;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
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
