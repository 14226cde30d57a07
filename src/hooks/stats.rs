//! Counts what an allocator cleared and what it skipped.

#[cfg(target_has_atomic = "64")]
pub use counters::Counters;
#[cfg(all(feature = "std", target_has_atomic = "64"))]
pub use timed::TimedCounters;

/// The operation that a statistic refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Allocation, including the growth of a `realloc`.
    Alloc,
    /// Deallocation, including the part that a `realloc` cuts off.
    Free,
}

/// Records what a [`ClearingAlloc`](super::ClearingAlloc) clears and skips. [`NoStats`] records
/// nothing, at no cost.
///
/// # Safety
/// The methods run inside an allocator: they must not unwind, and must not allocate from or free to
/// that allocator. `cleared` must call `clear` exactly once.
pub unsafe trait Stats {
    /// Records a clear of `bytes` bytes and performs it by calling `clear`.
    fn cleared(&self, side: Side, bytes: usize, clear: impl FnOnce());

    /// Records that `bytes` bytes are not cleared.
    fn skipped(&self, side: Side, bytes: usize);
}

/// Records nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoStats;

// SAFETY: `cleared` only calls `clear`, once; `skipped` is empty.
unsafe impl Stats for NoStats {
    #[inline(always)]
    fn cleared(&self, _: Side, _: usize, clear: impl FnOnce()) {
        clear();
    }

    #[inline(always)]
    fn skipped(&self, _: Side, _: usize) {}
}

/// A snapshot of all counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Counts of allocations.
    pub on_alloc: SideCounts,
    /// Counts of deallocations.
    pub on_free: SideCounts,
}

/// The counters of one [`Side`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SideCounts {
    /// Operations that cleared memory.
    pub clears: u64,
    /// Bytes cleared.
    pub cleared_bytes: u64,
    /// Operations that did not clear.
    pub skips: u64,
    /// Bytes not cleared.
    pub skipped_bytes: u64,
    /// Nanoseconds spent clearing; 0 if no clock was read.
    pub nanoseconds: u64,
}

#[cfg(target_has_atomic = "64")]
mod counters {
    use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

    use super::{Counts, Side, SideCounts, Stats};

    /// Counts operations and bytes over all threads. Requires a target with 64-bit atomics.
    #[derive(Debug, Default)]
    pub struct Counters {
        alloc: Tally,
        free: Tally,
    }

    #[derive(Debug, Default)]
    struct Tally {
        clears: AtomicU64,
        cleared_bytes: AtomicU64,
        skips: AtomicU64,
        skipped_bytes: AtomicU64,
    }

    impl Counters {
        /// Creates counters that are all 0.
        pub const fn new() -> Self {
            Self { alloc: Tally::new(), free: Tally::new() }
        }

        /// Returns a snapshot of the counters. Each counter is read by itself: operations in flight
        /// on other threads may be counted in only some of them.
        pub fn read(&self) -> Counts {
            Counts { on_alloc: self.alloc.read(), on_free: self.free.read() }
        }

        const fn of(&self, side: Side) -> &Tally {
            match side {
                Side::Alloc => &self.alloc,
                Side::Free => &self.free,
            }
        }
    }

    impl Tally {
        const fn new() -> Self {
            Self {
                clears: AtomicU64::new(0),
                cleared_bytes: AtomicU64::new(0),
                skips: AtomicU64::new(0),
                skipped_bytes: AtomicU64::new(0),
            }
        }

        fn read(&self) -> SideCounts {
            SideCounts {
                clears: self.clears.load(Relaxed),
                cleared_bytes: self.cleared_bytes.load(Relaxed),
                skips: self.skips.load(Relaxed),
                skipped_bytes: self.skipped_bytes.load(Relaxed),
                nanoseconds: 0,
            }
        }
    }

    // SAFETY: `cleared` calls `clear` once; the rest only adds to atomics.
    unsafe impl Stats for Counters {
        fn cleared(&self, side: Side, bytes: usize, clear: impl FnOnce()) {
            clear();
            let tally = self.of(side);
            tally.clears.fetch_add(1, Relaxed);
            tally.cleared_bytes.fetch_add(bytes as u64, Relaxed);
        }

        fn skipped(&self, side: Side, bytes: usize) {
            let tally = self.of(side);
            tally.skips.fetch_add(1, Relaxed);
            tally.skipped_bytes.fetch_add(bytes as u64, Relaxed);
        }
    }
}

#[cfg(all(feature = "std", target_has_atomic = "64"))]
mod timed {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    use std::time::Instant;

    use super::{Counters, Counts, Side, Stats};

    /// Counts as [`Counters`] does and measures the time spent clearing. Two clock reads take as
    /// long as clearing a few KiB, so short clears appear slower than they are.
    #[derive(Debug, Default)]
    pub struct TimedCounters {
        counters: Counters,
        alloc: AtomicU64,
        free: AtomicU64,
    }

    impl TimedCounters {
        /// Creates counters that are all 0.
        pub const fn new() -> Self {
            Self { counters: Counters::new(), alloc: AtomicU64::new(0), free: AtomicU64::new(0) }
        }

        /// Returns a snapshot of the counters and times, as [`Counters::read`] does.
        pub fn read(&self) -> Counts {
            let mut counts = self.counters.read();
            counts.on_alloc.nanoseconds = self.alloc.load(Relaxed);
            counts.on_free.nanoseconds = self.free.load(Relaxed);
            counts
        }
    }

    // SAFETY: as for `Counters`; reading the clock does not allocate.
    unsafe impl Stats for TimedCounters {
        fn cleared(&self, side: Side, bytes: usize, clear: impl FnOnce()) {
            let start = Instant::now();
            self.counters.cleared(side, bytes, clear);
            let nanoseconds = match side {
                Side::Alloc => &self.alloc,
                Side::Free => &self.free,
            };
            nanoseconds.fetch_add(start.elapsed().as_nanos() as u64, Relaxed);
        }

        fn skipped(&self, side: Side, bytes: usize) {
            self.counters.skipped(side, bytes);
        }
    }
}
