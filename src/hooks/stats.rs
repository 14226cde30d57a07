//! Counts what an allocator cleared and what it skipped.

#[cfg(target_has_atomic = "64")]
pub use counters::Counters;

/// The operation that a statistic refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
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
/// that allocator.
pub unsafe trait Stats {
    /// Records that `bytes` bytes were cleared.
    fn cleared(&self, op: Op, bytes: usize);

    /// Records that `bytes` bytes are not cleared.
    fn skipped(&self, op: Op, bytes: usize);
}

/// Records nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoStats;

// SAFETY: the methods are empty.
unsafe impl Stats for NoStats {
    #[inline(always)]
    fn cleared(&self, _: Op, _: usize) {}

    #[inline(always)]
    fn skipped(&self, _: Op, _: usize) {}
}

/// A snapshot of all counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Counts of allocations.
    pub on_alloc: OpCounts,
    /// Counts of deallocations.
    pub on_free: OpCounts,
}

/// The counters of one [`Op`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpCounts {
    /// Operations that cleared memory.
    pub clears: u64,
    /// Bytes cleared.
    pub cleared_bytes: u64,
    /// Operations that did not clear.
    pub skips: u64,
    /// Bytes not cleared.
    pub skipped_bytes: u64,
}

#[cfg(target_has_atomic = "64")]
mod counters {
    use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

    use super::{Counts, Op, OpCounts, Stats};

    /// Counts operations and bytes over all threads. Requires a target with 64-bit atomics.
    #[derive(Debug, Default)]
    pub struct Counters {
        alloc: Tally,
        free: Tally,
    }

    /// The fields of [`OpCounts`], in their order.
    #[derive(Debug, Default)]
    struct Tally([AtomicU64; 4]);

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

        const fn of(&self, op: Op) -> &Tally {
            match op {
                Op::Alloc => &self.alloc,
                Op::Free => &self.free,
            }
        }
    }

    impl Tally {
        const fn new() -> Self {
            Self([const { AtomicU64::new(0) }; 4])
        }

        fn read(&self) -> OpCounts {
            let counts = self.0.each_ref().map(|count| count.load(Relaxed));
            let [clears, cleared_bytes, skips, skipped_bytes] = counts;
            OpCounts { clears, cleared_bytes, skips, skipped_bytes }
        }

        /// Adds to the operations at `at`, and to the bytes that follow them.
        fn add(&self, at: usize, bytes: usize) {
            self.0[at].fetch_add(1, Relaxed);
            self.0[at + 1].fetch_add(bytes as u64, Relaxed);
        }
    }

    // SAFETY: the methods only add to atomics.
    unsafe impl Stats for Counters {
        fn cleared(&self, op: Op, bytes: usize) {
            self.of(op).add(0, bytes);
        }

        fn skipped(&self, op: Op, bytes: usize) {
            self.of(op).add(2, bytes);
        }
    }
}
