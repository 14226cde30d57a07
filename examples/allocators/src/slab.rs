//! A pool of equal buffers, whose numbers the `slab` crate manages.
//!
//! The metadata is a vector outside the buffers. Nothing writes to a free slot, so a slot that was
//! cleared when it was freed is passed to the next hook as `KNOWN_ZERO`. Under both policies each
//! use of a slot costs one clear, as under either alone.

use clearpage::Order;
use clearpage::highmem::{ClearError, Frame, FrameRange, Highmem};
use clearpage::hooks::{AllocFlags, DataState, InitOutcome, PageHooks};
use slab::Slab;

/// Slots of one block each, from frame 0 on.
#[derive(Debug)]
pub struct Slots<M> {
    used: Slab<()>,
    /// Whether each slot is known to be zero while it is free.
    zero: Box<[bool]>,
    order: Order,
    hooks: PageHooks<M>,
}

impl<M: Highmem> Slots<M> {
    /// Creates `nslots` slots of `order`.
    ///
    /// # Safety
    /// The hooks map the frames of all slots, and only the owners of allocated slots use them.
    pub unsafe fn new(nslots: usize, order: Order, hooks: PageHooks<M>) -> Self {
        let zero = vec![false; nslots].into();
        Self { used: Slab::with_capacity(nslots), zero, order, hooks }
    }

    /// Returns the frames of a slot.
    pub fn frames(&self, slot: usize) -> FrameRange {
        Frame::new((slot * self.order.npages()) as u64)
            .and_then(|start| FrameRange::block(start, self.order).ok())
            .expect("slots are frames")
    }

    /// Allocates a slot. Returns it and what the hook did to it, or `None` if all are allocated.
    ///
    /// # Errors
    /// The slot could not be mapped, and remains free.
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

    /// Frees a slot. Returns what the hook did to it.
    ///
    /// # Safety
    /// The slot is allocated, and is no longer used.
    ///
    /// # Errors
    /// The slot could not be mapped, and remains allocated.
    pub unsafe fn free(&mut self, slot: usize) -> Result<InitOutcome, ClearError<M::Error>> {
        // SAFETY: the caller's promise.
        let done = unsafe { self.hooks.free_prepare(self.frames(slot), AllocFlags::NONE)? };
        self.used.remove(slot);
        self.zero[slot] = done.data == DataState::Cleared;
        Ok(done)
    }
}
