//! What an allocator cleared and what it left, for those who ask.

#[cfg(target_has_atomic = "64")]
pub use counters::Counters;
#[cfg(all(feature = "std", target_has_atomic = "64"))]
pub use timed::TimedCounters;

/// When memory is cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// On its way to the user.
    Alloc,
    /// On its way back.
    Free,
}

/// Hears what a [`ClearingAlloc`](super::ClearingAlloc) does. [`NoStats`] hears nothing and costs
/// nothing.
///
/// # Safety
/// It is called inside an allocator: it never unwinds, and it never allocates from or frees to that
/// allocator. `cleared` calls `clear` exactly once.
pub unsafe trait Stats {
    /// `clear` zeroes `bytes` bytes.
    fn cleared(&self, side: Side, bytes: usize, clear: impl FnOnce());

    /// `bytes` bytes go past uncleared.
    fn skipped(&self, side: Side, bytes: usize);
}

/// Counts nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoStats;

// SAFETY: nothing but the one call.
unsafe impl Stats for NoStats {
    #[inline(always)]
    fn cleared(&self, _: Side, _: usize, clear: impl FnOnce()) {
        clear();
    }

    #[inline(always)]
    fn skipped(&self, _: Side, _: usize) {}
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Of memory on its way to the user.
    pub on_alloc: SideCounts,
    /// Of memory on its way back.
    pub on_free: SideCounts,
}

/// What was counted of one [`Side`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SideCounts {
    /// Calls that cleared.
    pub clears: u64,
    /// Bytes that they cleared.
    pub cleared_bytes: u64,
    /// Calls that left the memory as it was.
    pub skips: u64,
    /// Bytes that they left.
    pub skipped_bytes: u64,
    /// Nanoseconds spent clearing, where somebody has a clock.
    pub nanoseconds: u64,
}

#[cfg(target_has_atomic = "64")]
mod counters {
    use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

    use super::{Counts, Side, SideCounts, Stats};

    /// Counts calls and bytes, for all threads together. Only on targets with atomics of 64 bits.
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
        /// All at 0.
        pub const fn new() -> Self {
            Self { alloc: Tally::new(), free: Tally::new() }
        }

        /// What was counted until now; nothing of it is missed, but while other threads allocate,
        /// bytes may be told without their call.
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

    // SAFETY: four atomics and the one call.
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

    /// [`Counters`], and how long clearing took. Reading the clock twice takes as long as clearing
    /// some KiB, so short clears look slower than they are.
    #[derive(Debug, Default)]
    pub struct TimedCounters {
        counters: Counters,
        alloc: AtomicU64,
        free: AtomicU64,
    }

    impl TimedCounters {
        /// All at 0.
        pub const fn new() -> Self {
            Self { counters: Counters::new(), alloc: AtomicU64::new(0), free: AtomicU64::new(0) }
        }

        /// As [`Counters::read`].
        pub fn read(&self) -> Counts {
            let mut counts = self.counters.read();
            counts.on_alloc.nanoseconds = self.alloc.load(Relaxed);
            counts.on_free.nanoseconds = self.free.load(Relaxed);
            counts
        }
    }

    // SAFETY: as Counters, and the clock, which does not allocate.
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
