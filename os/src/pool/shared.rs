//! Holds what the threads of a pool share: the blocks, and when the background thread must wake.

use std::collections::TryReserveError;
use std::ptr::NonNull;
use std::sync::OnceLock;

use super::demand::Bounds;
use super::ring::Ring;
use super::source::{Block, BlockSource};
use super::{Line, PoolStats};
use crate::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering::*};
use crate::sync::thread::Thread;
use clearpage::{Intent, Order, Page, raw};

/// States of the background thread.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Worker {
    /// Works, or must not be woken for the rest of a period.
    Busy,
    /// Sleeps until the period ends, or until few blocks are ready.
    Naps,
    /// Sleeps until few blocks are ready, a block is freed, or the pool stops.
    Sleeps,
}

pub(super) struct Shared {
    pub(super) order: Order,
    pub(super) bounds: Bounds,
    source: Box<dyn BlockSource>,
    /// Blocks that are zeroed.
    pub(super) ready: Ring,
    /// Blocks that callers freed, not yet cleared.
    pub(super) dirty: Ring,

    /// Blocks that the pool began to hold. `left` counts those that it ceased to hold, except those
    /// popped from `ready`, which the ring counts. All counters only grow, so a stale number of
    /// departures overestimates the held blocks and never underestimates them.
    admitted: Line<AtomicUsize>,
    left: AtomicUsize,
    /// Blocks popped from `ready` that were released, not taken.
    discarded: AtomicUsize,
    missed: AtomicUsize,
    released: AtomicUsize,

    /// Maximum number of held blocks: `bounds.max` or 0.
    pub(super) limit: Line<AtomicUsize>,
    /// Number of blocks to keep ready.
    pub(super) target: AtomicUsize,
    /// The value of `taken` when the period began.
    since: AtomicUsize,
    pub(super) worker: AtomicU8,
    pub(super) stop: AtomicBool,
    pub(super) thread: OnceLock<Thread>,
}

impl Shared {
    pub(super) fn new(
        order: Order,
        bounds: Bounds,
        source: Box<dyn BlockSource>,
    ) -> Result<Self, TryReserveError> {
        Ok(Self {
            order,
            bounds,
            source,
            ready: Ring::new(bounds.max)?,
            dirty: Ring::new(bounds.max)?,
            admitted: Line::default(),
            left: AtomicUsize::new(0),
            discarded: AtomicUsize::new(0),
            missed: AtomicUsize::new(0),
            released: AtomicUsize::new(0),
            limit: Line(AtomicUsize::new(bounds.max)),
            target: AtomicUsize::new(bounds.min),
            since: AtomicUsize::new(0),
            worker: AtomicU8::new(Worker::Busy as u8),
            stop: AtomicBool::new(false),
            thread: OnceLock::new(),
        })
    }

    /// Takes a zeroed block; returns `None` if the pool holds none and the source has none.
    #[inline]
    pub(super) fn take(&self) -> Option<NonNull<Page>> {
        let Some(block) = self.ready.pop() else { return self.take_on_the_spot() };
        // Read after the pop, as the thread reads the ring after it stores that it sleeps: at least
        // one of them sees what the other did.
        if self.worker.load(SeqCst) != Worker::Busy as u8 && self.runs_low() {
            self.wake();
        }
        Some(block)
    }

    /// Clears a freed block if none is ready, or allocates one from the source.
    #[cold]
    fn take_on_the_spot(&self) -> Option<NonNull<Page>> {
        self.missed.fetch_add(1, SeqCst);
        self.wake();
        match self.pop_dirty().map(Block::Dirty).or_else(|| self.allocate())? {
            Block::Zero(block) => Some(block),
            Block::Dirty(block) => {
                // SAFETY: the block was just popped or allocated, so it has no other owner.
                unsafe { raw::clear_pages_for(block, self.order.npages(), Intent::Hot) };
                Some(block)
            }
        }
    }

    /// Frees a block, regardless of its contents; releases it to the source if there is no room.
    ///
    /// # Safety
    /// The block was taken from this pool, and is no longer used.
    pub(super) unsafe fn free(&self, block: NonNull<Page>) {
        if self.admit() {
            if self.dirty.push(block) {
                if self.worker.load(SeqCst) == Worker::Sleeps as u8 {
                    self.wake();
                }
                return;
            }
            self.leave();
        }
        // SAFETY: by the caller's promise the block came from the source, and is not used.
        unsafe { self.release(block) }
    }

    /// Releases blocks until `keep` are held, dirty ones first; returns the number released.
    pub(super) fn release_down_to(&self, keep: usize) -> usize {
        let mut released = 0;
        while self.held() > keep {
            let block = self.pop_dirty().or_else(|| {
                self.ready.pop().inspect(|_| {
                    self.discarded.fetch_add(1, SeqCst);
                })
            });
            let Some(block) = block else { break };
            // SAFETY: the block was popped from a ring, so it has no other owner.
            unsafe { self.release(block) };
            released += 1;
        }
        released
    }

    /// Makes a zeroed block that counts as held available to `take`; if there is no room, releases
    /// it to the source and returns `false`.
    ///
    /// # Safety
    /// The block came from the source, is zeroed, and is not used.
    pub(super) unsafe fn make_ready(&self, block: NonNull<Page>) -> bool {
        let room = self.ready.push(block);
        if !room {
            self.leave();
            // SAFETY: the caller's promise.
            unsafe { self.release(block) };
        }
        room
    }

    /// Counts one more block as held; returns `false` if the limit is reached.
    pub(super) fn admit(&self) -> bool {
        let more = |admitted: usize| {
            let held = admitted.wrapping_sub(self.gone()) as isize;
            (held < self.limit.0.load(SeqCst) as isize).then(|| admitted.wrapping_add(1))
        };
        self.admitted.0.fetch_update(SeqCst, SeqCst, more).is_ok()
    }

    /// Counts one block less as held, because it was unavailable or left the pool.
    pub(super) fn leave(&self) {
        self.left.fetch_add(1, SeqCst);
    }

    /// Pops a freed block, which then no longer counts as held.
    fn pop_dirty(&self) -> Option<NonNull<Page>> {
        let block = self.dirty.pop()?;
        self.leave();
        Some(block)
    }

    fn gone(&self) -> usize {
        self.ready.popped().wrapping_add(self.left.load(SeqCst))
    }

    /// Returns the number of blocks held: ready, dirty, or in the background thread.
    pub(super) fn held(&self) -> usize {
        loop {
            let admitted = self.admitted.0.load(SeqCst);
            let held = admitted.wrapping_sub(self.gone());
            // If it changed, `gone` may include blocks that were admitted after the first load.
            if self.admitted.0.load(SeqCst) == admitted {
                return held;
            }
        }
    }

    pub(super) fn allocate(&self) -> Option<Block> {
        self.source.allocate(self.order)
    }

    /// # Safety
    /// The block came from the source, and is no longer used.
    pub(super) unsafe fn release(&self, block: NonNull<Page>) {
        self.released.fetch_add(1, Relaxed);
        // SAFETY: the caller's promise; all blocks of a pool have the same order.
        unsafe { self.source.release(block, self.order) }
    }

    /// Returns the number of blocks taken, whether they were ready or not.
    fn taken(&self) -> usize {
        let missed = self.missed.load(SeqCst);
        let discarded = self.discarded.load(SeqCst);
        self.ready.popped().wrapping_add(missed).wrapping_sub(discarded)
    }

    /// Returns the number of blocks taken in this period.
    pub(super) fn taken_in_period(&self) -> usize {
        // A concurrent release can make `since` too large, and so the difference negative.
        (self.taken().wrapping_sub(self.since.load(SeqCst)) as isize).max(0) as usize
    }

    pub(super) fn begin_period(&self) {
        self.since.store(self.taken(), SeqCst);
    }

    pub(super) fn target(&self) -> usize {
        self.target.load(SeqCst)
    }

    /// Sets the target to `next` of the current one.
    pub(super) fn retarget(&self, next: impl Fn(usize) -> usize) {
        let _ = self.target.fetch_update(SeqCst, SeqCst, |target| Some(next(target)));
    }

    /// Releases blocks until `keep` are held; the pool then obtains no more until one is taken.
    pub(super) fn trim(&self, keep: usize) -> usize {
        let released = self.release_down_to(keep);
        self.begin_period();
        self.retarget(|target| target.min(keep));
        // The background thread may have made blocks ready meanwhile.
        released + self.release_down_to(keep)
    }

    /// Releases all blocks; the pool then also releases those that are freed later.
    pub(super) fn close(&self) {
        self.limit.0.store(0, SeqCst);
        self.release_down_to(0);
    }

    #[inline]
    pub(super) fn runs_low(&self) -> bool {
        self.ready.len() < Bounds::low(self.target())
    }

    #[cold]
    fn wake(&self) {
        if self.worker.swap(Worker::Busy as u8, SeqCst) != Worker::Busy as u8 {
            self.thread.get().inspect(|thread| thread.unpark());
        }
    }

    pub(super) fn stop(&self) {
        self.stop.store(true, SeqCst);
        self.thread.get().inspect(|thread| thread.unpark());
    }

    pub(super) fn stats(&self) -> PoolStats {
        PoolStats {
            taken: self.ready.popped().wrapping_sub(self.discarded.load(SeqCst)),
            missed: self.missed.load(SeqCst),
            cleared: self.ready.pushed(),
            released: self.released.load(SeqCst),
            ready: self.ready.len(),
            held: self.held(),
            target: self.target(),
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.release_down_to(0);
    }
}
