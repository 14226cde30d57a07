//! What a pool's threads share: the blocks, and when the background thread is to wake.

use std::collections::TryReserveError;
use std::ptr::NonNull;
use std::sync::OnceLock;

use super::demand::Bounds;
use super::ring::Ring;
use super::supply::{Supplied, Supply};
use super::{Line, Statistics};
use crate::intent::Intent;
use crate::page::{Order, Page};
use crate::raw;
use crate::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering::*};
use crate::sync::thread::Thread;

/// What the background thread does.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Worker {
    /// Works, or is not to be woken for the rest of a period.
    Busy,
    /// Sleeps until the period ends, or until few blocks are ready.
    Naps,
    /// Sleeps until something happens.
    Sleeps,
}

pub(super) struct Shared {
    pub(super) order: Order,
    pub(super) bounds: Bounds,
    supply: Box<dyn Supply>,
    /// Blocks that are zero.
    pub(super) ready: Ring,
    /// Blocks that came back.
    pub(super) dirty: Ring,

    /// Blocks that came to be held here, and those that ceased to be, other than from `ready`: two
    /// counts that only grow, so that a look at an old one finds too many and never too few. Taking
    /// a block counts nothing: the ring does.
    admitted: Line<AtomicUsize>,
    left: AtomicUsize,
    /// Of the blocks out of `ready`, those that nobody took.
    discarded: AtomicUsize,
    missed: AtomicUsize,
    given_back: AtomicUsize,

    /// Most blocks held: `bounds.max`, or nothing.
    limit: Line<AtomicUsize>,
    /// Blocks to be ready.
    target: AtomicUsize,
    /// Blocks taken when the period began.
    since: AtomicUsize,
    worker: AtomicU8,
    stop: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Shared {
    pub(super) fn new(
        order: Order,
        bounds: Bounds,
        supply: Box<dyn Supply>,
    ) -> Result<Self, TryReserveError> {
        Ok(Self {
            order,
            bounds,
            supply,
            ready: Ring::new(bounds.max)?,
            dirty: Ring::new(bounds.max)?,
            admitted: Line::default(),
            left: AtomicUsize::new(0),
            discarded: AtomicUsize::new(0),
            missed: AtomicUsize::new(0),
            given_back: AtomicUsize::new(0),
            limit: Line(AtomicUsize::new(bounds.max)),
            target: AtomicUsize::new(bounds.min),
            since: AtomicUsize::new(0),
            worker: AtomicU8::new(Worker::Busy as u8),
            stop: AtomicBool::new(false),
            thread: OnceLock::new(),
        })
    }

    /// A block that is zero; `None` if there is none and the supply has none.
    #[inline]
    pub(super) fn take(&self) -> Option<NonNull<Page>> {
        let Some(block) = self.ready.pop() else { return self.take_on_the_spot() };
        // Behind the pop, as the thread looks at the ring behind its word that it sleeps: one of
        // both sees the other.
        if self.worker.load(SeqCst) != Worker::Busy as u8 && self.runs_low() {
            self.wake();
        }
        Some(block)
    }

    /// The same when none is ready: one that came back, cleared here, or a new one.
    #[cold]
    fn take_on_the_spot(&self) -> Option<NonNull<Page>> {
        self.missed.fetch_add(1, SeqCst);
        self.wake();
        let block = match self.pop_dirty() {
            Some(block) => Supplied::Dirty(block),
            None => self.allocate()?,
        };
        match block {
            Supplied::Zero(block) => Some(block),
            Supplied::Dirty(block) => {
                // SAFETY: nobody else has it.
                unsafe { raw::clear_pages_for(block, self.order.npages(), Intent::Hot) };
                Some(block)
            }
        }
    }

    /// Takes a block back, of any content; gives it to the supply if there is no room.
    ///
    /// # Safety
    /// The block was taken here, and is used no longer.
    pub(super) unsafe fn give_back(&self, block: NonNull<Page>) {
        if self.admit() {
            if self.dirty.push(block) {
                if self.worker.load(SeqCst) == Worker::Sleeps as u8 {
                    self.wake();
                }
                return;
            }
            self.leave();
        }
        // SAFETY: the caller's promise.
        unsafe { self.release(block) }
    }

    /// Gives blocks back until `keep` are held, first those that are not zero; returns how many.
    pub(super) fn release_down_to(&self, keep: usize) -> usize {
        let mut released = 0;
        while self.held() > keep {
            let block = self.pop_dirty().or_else(|| {
                self.ready.pop().inspect(|_| {
                    self.discarded.fetch_add(1, SeqCst);
                })
            });
            let Some(block) = block else { break };
            // SAFETY: it was in a ring, so nobody uses it.
            unsafe { self.release(block) };
            released += 1;
        }
        released
    }

    /// Has a block that is zero, and counted as held, taken from now on; gives it to the supply if
    /// there is no room.
    ///
    /// # Safety
    /// It came from the supply, it is zero, and nobody uses it.
    pub(super) unsafe fn make_ready(&self, block: NonNull<Page>) -> bool {
        let room = self.ready.push(block);
        if !room {
            self.leave();
            // SAFETY: the caller's promise.
            unsafe { self.release(block) };
        }
        room
    }

    /// Counts one block more as held, if there may be one.
    pub(super) fn admit(&self) -> bool {
        let more = |admitted: usize| {
            let held = admitted.wrapping_sub(self.gone()) as isize;
            (held < self.limit.load(SeqCst) as isize).then(|| admitted.wrapping_add(1))
        };
        self.admitted.fetch_update(SeqCst, SeqCst, more).is_ok()
    }

    /// The opposite, for a block that was not to be had or is given away.
    pub(super) fn leave(&self) {
        self.left.fetch_add(1, SeqCst);
    }

    /// A block that came back, which from now on is not held here.
    fn pop_dirty(&self) -> Option<NonNull<Page>> {
        let block = self.dirty.pop()?;
        self.leave();
        Some(block)
    }

    fn gone(&self) -> usize {
        self.ready.popped().wrapping_add(self.left.load(SeqCst))
    }

    /// Blocks held: zero, dirty, and what the background thread has in hand.
    pub(super) fn held(&self) -> usize {
        loop {
            let admitted = self.admitted.load(SeqCst);
            let held = admitted.wrapping_sub(self.gone());
            // Else blocks may be gone that came after the count.
            if self.admitted.load(SeqCst) == admitted {
                return held;
            }
        }
    }

    pub(super) fn allocate(&self) -> Option<Supplied> {
        self.supply.allocate(self.order)
    }

    /// # Safety
    /// The block came from the supply, and is used no longer.
    pub(super) unsafe fn release(&self, block: NonNull<Page>) {
        self.given_back.fetch_add(1, Relaxed);
        // SAFETY: the caller's promise; a pool has one order.
        unsafe { self.supply.release(block, self.order) }
    }

    /// Blocks taken, ready or not.
    fn taken(&self) -> usize {
        let missed = self.missed.load(SeqCst);
        let discarded = self.discarded.load(SeqCst);
        self.ready.popped().wrapping_add(missed).wrapping_sub(discarded)
    }

    /// Blocks taken in this period.
    pub(super) fn lately(&self) -> usize {
        // Who gives blocks back at the same time may make it less than none.
        (self.taken().wrapping_sub(self.since.load(SeqCst)) as isize).max(0) as usize
    }

    /// Begins a period.
    pub(super) fn forget(&self) {
        self.since.store(self.taken(), SeqCst);
    }

    /// Blocks to be ready.
    pub(super) fn target(&self) -> usize {
        self.target.load(SeqCst)
    }

    /// Blocks that are not ready and should be.
    pub(super) fn short(&self) -> usize {
        self.target().saturating_sub(self.ready.len())
    }

    /// Sets the target, from what it was.
    pub(super) fn retarget(&self, next: impl Fn(usize) -> usize) {
        let _ = self.target.fetch_update(SeqCst, SeqCst, |target| Some(next(target)));
    }

    /// Holds no more than `keep`, and gets no more until somebody takes a block.
    pub(super) fn trim(&self, keep: usize) -> usize {
        let released = self.release_down_to(keep);
        self.forget();
        self.retarget(|target| target.min(keep));
        // What was cleared meanwhile.
        released + self.release_down_to(keep)
    }

    pub(super) fn set_limit(&self, limit: usize) {
        self.limit.store(limit, SeqCst);
    }

    /// Holds nothing, and nothing more that comes back.
    pub(super) fn close(&self) {
        self.set_limit(0);
        self.release_down_to(0);
    }

    #[inline]
    pub(super) fn runs_low(&self) -> bool {
        self.ready.len() < Bounds::low(self.target())
    }

    pub(super) fn set_worker(&self, worker: Worker) {
        self.worker.store(worker as u8, SeqCst);
    }

    #[cold]
    fn wake(&self) {
        if self.worker.swap(Worker::Busy as u8, SeqCst) != Worker::Busy as u8 {
            self.thread.get().inspect(|thread| thread.unpark());
        }
    }

    pub(super) fn set_thread(&self, thread: Thread) {
        let _ = self.thread.set(thread);
    }

    pub(super) fn stop(&self) {
        self.stop.store(true, SeqCst);
        self.thread.get().inspect(|thread| thread.unpark());
    }

    pub(super) fn stopped(&self) -> bool {
        self.stop.load(SeqCst)
    }

    pub(super) fn statistics(&self) -> Statistics {
        let missed = self.missed.load(SeqCst);
        Statistics {
            taken: self.ready.popped().wrapping_sub(self.discarded.load(SeqCst)),
            missed,
            cleared: self.ready.pushed(),
            given_back: self.given_back.load(SeqCst),
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
