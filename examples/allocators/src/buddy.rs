//! A kernel's page allocator: the frames of `buddy_system_allocator` and the two hooks around it.
//!
//! Its free lists are sets of numbers on the heap: it never touches a frame. Who calls it decides
//! what is known of a block, as in a kernel.

use std::fmt;

use buddy_system_allocator::FrameAllocator;
use clearpage::Order;
use clearpage::highmem::{ClearError, Frame, FrameRange, Highmem};
use clearpage::hooks::{AllocFlags, InitOutcome, PageHooks};

/// The largest order it hands out, and one more: Linux's MAX_PAGE_ORDER is 10 as well.
const ORDERS: usize = 11;

/// Blocks of `1 << order` frames.
pub struct Buddy<M> {
    free: FrameAllocator<ORDERS>,
    hooks: PageHooks<M>,
}

impl<M: Highmem> Buddy<M> {
    /// Of the frames `frames`, by the hooks `hooks`.
    ///
    /// # Safety
    /// The hooks map the frames, and nobody else uses them, but who was handed them out.
    pub unsafe fn new(frames: FrameRange, hooks: PageHooks<M>) -> Self {
        let mut free = FrameAllocator::new();
        free.add_frame(frames.start().get() as usize, frames.end() as usize);
        Self { free, hooks }
    }

    /// A block, and what was done to it; `None` where there is none of that order.
    ///
    /// # Errors
    /// It could not be mapped. It is free again.
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
        // SAFETY: the block was free, and is nobody's yet.
        match unsafe { self.hooks.post_alloc(block, flags) } {
            Ok(done) => Ok(Some((block, done))),
            Err(error) => {
                self.free.dealloc(start, order.npages());
                Err(error)
            }
        }
    }

    /// Takes a block back; what was done to it.
    ///
    /// # Safety
    /// It was handed out, and is not used any more.
    ///
    /// # Errors
    /// It could not be mapped, still holds what its user left, and is lost: nobody gets it any more.
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
    let start = Frame::new(start as u64).expect("it was given as a frame");
    FrameRange::block(start, order).expect("it was given as a block")
}

impl<M: fmt::Debug> fmt::Debug for Buddy<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buddy").field("hooks", &self.hooks).finish_non_exhaustive()
    }
}
