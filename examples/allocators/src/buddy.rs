//! A kernel's page allocator: `buddy_system_allocator` with the two hooks of [`PageHooks`].
//!
//! Call `post_alloc` on a block before its caller receives it, and `free_prepare` before it returns
//! to the free list. The free lists are sets of frame numbers on the heap, so the allocator never
//! accesses a frame. As in a kernel, the caller passes what it knows about a block as flags.

use std::fmt;

use buddy_system_allocator::FrameAllocator;
use clearpage::Order;
use clearpage::highmem::{ClearError, Frame, FrameRange, Highmem};
use clearpage::hooks::{AllocFlags, InitOutcome, PageHooks};

/// The largest order plus one. Linux's MAX_PAGE_ORDER is 10 too.
const ORDERS: usize = 11;

/// Allocates blocks of `1 << order` frames.
pub struct Buddy<M> {
    free: FrameAllocator<ORDERS>,
    hooks: PageHooks<M>,
}

impl<M: Highmem> Buddy<M> {
    /// Creates an allocator of `frames`.
    ///
    /// # Safety
    /// The hooks map the frames, and only the owners of allocated blocks use them.
    pub unsafe fn new(frames: FrameRange, hooks: PageHooks<M>) -> Self {
        let mut free = FrameAllocator::new();
        free.add_frame(frames.start().get() as usize, frames.end() as usize);
        Self { free, hooks }
    }

    /// Allocates a block. Returns it and what the hook did to it, or `None` if no block of this
    /// order is free.
    ///
    /// # Errors
    /// The block could not be mapped, and is free again.
    pub fn alloc(
        &mut self,
        order: Order,
        flags: AllocFlags,
    ) -> Result<Option<(FrameRange, InitOutcome)>, ClearError<M::Error>> {
        if order.get() as usize >= ORDERS {
            return Ok(None);
        }
        let Some(start) = self.free.alloc(order.npages()) else { return Ok(None) };
        let block = block(start, order);
        // SAFETY: the block was free, and its caller has not received it yet.
        match unsafe { self.hooks.post_alloc(block, flags) } {
            Ok(done) => Ok(Some((block, done))),
            Err(error) => {
                self.free.dealloc(start, order.npages());
                Err(error)
            }
        }
    }

    /// Frees a block. Returns what the hook did to it.
    ///
    /// # Safety
    /// The block is allocated, and is no longer used.
    ///
    /// # Errors
    /// The block could not be mapped. It still holds its user's data, so it is leaked: it is never
    /// allocated again.
    pub unsafe fn free(
        &mut self,
        block: FrameRange,
        flags: AllocFlags,
    ) -> Result<InitOutcome, ClearError<M::Error>> {
        // SAFETY: the caller's promise.
        let done = unsafe { self.hooks.free_prepare(block, flags)? };
        self.free.dealloc(block.start().get() as usize, block.npages() as usize);
        Ok(done)
    }
}

fn block(start: usize, order: Order) -> FrameRange {
    let start = Frame::new(start as u64).expect("it was added as a frame");
    FrameRange::block(start, order).expect("it was added as a block")
}

impl<M: fmt::Debug> fmt::Debug for Buddy<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buddy").field("hooks", &self.hooks).finish_non_exhaustive()
    }
}
