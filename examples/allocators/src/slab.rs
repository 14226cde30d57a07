//! Equal slots of an arena, of which the `slab` crate keeps the numbers: a pool of buffers.
//!
//! The books are a vector elsewhere. Nobody writes to a slot between its free and its next
//! allocation, so one that was wiped is known to be zero: under both policies a slot costs one clear
//! for each use, as under either alone.

use clearpage::Order;
use clearpage::highmem::{ClearError, Frame, FrameRange, Highmem};
use clearpage::hooks::{AllocFlags, DataState, InitOutcome, PageHooks};
use slab::Slab;

/// Slots of a block each, from frame 0 on.
#[derive(Debug)]
pub struct Slots<M> {
    used: Slab<()>,
    /// Whether a free slot is zero.
    zero: Box<[bool]>,
    order: Order,
    hooks: PageHooks<M>,
}

impl<M: Highmem> Slots<M> {
    /// `nslots` slots of `order`.
    ///
    /// # Safety
    /// The hooks map the frames from 0 on that they need, and nobody else uses them, but who was
    /// handed them out.
    pub unsafe fn new(nslots: usize, order: Order, hooks: PageHooks<M>) -> Self {
        let zero = vec![false; nslots].into();
        Self { used: Slab::with_capacity(nslots), zero, order, hooks }
    }

    /// The frames of a slot.
    pub fn frames(&self, slot: usize) -> FrameRange {
        Frame::new((slot * self.order.npages()) as u64)
            .and_then(|start| FrameRange::block(start, self.order).ok())
            .expect("slots are frames")
    }

    /// A slot, and what was done to it; `None` where all are used.
    ///
    /// # Errors
    /// It could not be mapped, and stays free.
    pub fn alloc(
        &mut self,
        mut flags: AllocFlags,
    ) -> Result<Option<(usize, InitOutcome)>, ClearError<M::Error>> {
        let slot = self.used.vacant_key();
        let Some(zero) = self.zero.get(slot) else { return Ok(None) };
        if *zero {
            flags |= AllocFlags::KNOWN_ZERO;
        }
        // SAFETY: the slot is free.
        let done = unsafe { self.hooks.post_alloc(self.frames(slot), flags)? };
        self.used.insert(());
        Ok(Some((slot, done)))
    }

    /// Takes a slot back; what was done to it.
    ///
    /// # Safety
    /// It was handed out, and is not used any more.
    ///
    /// # Errors
    /// It could not be mapped, and is still its user's.
    pub unsafe fn free(&mut self, slot: usize) -> Result<InitOutcome, ClearError<M::Error>> {
        // SAFETY: the caller's promise.
        let done = unsafe { self.hooks.free_prepare(self.frames(slot), AllocFlags::NONE)? };
        self.used.remove(slot);
        self.zero[slot] = done.data == DataState::Cleared;
        Ok(done)
    }
}
