//! Defines the sources that a pool allocates blocks from and releases them to.

use std::alloc::{Layout, alloc, dealloc};
use std::ptr::NonNull;
use std::sync::Arc;

use clearpage::{Order, PAGE_SIZE, Page};

/// Supplies a [`ZeroPool`](super::ZeroPool) with blocks, for example of guest memory, reserved huge
/// pages or an arena.
///
/// Calls come from the pool's background thread, from threads that take a block while none is
/// ready, and from threads that free a block or trim or drop the pool; all of them at once. After a
/// `fork` the only thread of the child calls it too: a lock that another thread held at the fork
/// stays locked in the child for good.
///
/// # Safety
/// A block from [`allocate`](Self::allocate) is aligned to a page and valid for reads and writes of
/// the pages of the requested order. Nothing else uses it until it is passed to
/// [`release`](Self::release), even if the source is dropped before. If it is returned as
/// [`Block::Zero`], it is zero.
pub unsafe trait BlockSource: Send + Sync {
    /// Allocates a block; returns `None` if none is available now.
    fn allocate(&self, order: Order) -> Option<Block>;

    /// Frees a block, whose contents are no longer needed and may be secret.
    ///
    /// # Safety
    /// The block came from [`allocate`](Self::allocate) of this source, with the same order, and
    /// is no longer used.
    unsafe fn release(&self, block: NonNull<Page>, order: Order);
}

/// Holds a block from a [`BlockSource`], and states what it contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Block {
    /// Zeroes, as memory fresh from the system, whose pages may not be present yet.
    Zero(NonNull<Page>),
    /// Any contents.
    Dirty(NonNull<Page>),
}

// SAFETY: every call goes to the source in the `Arc`, which keeps these promises.
unsafe impl<S: BlockSource + ?Sized> BlockSource for Arc<S> {
    fn allocate(&self, order: Order) -> Option<Block> {
        (**self).allocate(order)
    }

    unsafe fn release(&self, block: NonNull<Page>, order: Order) {
        // SAFETY: the caller's promise.
        unsafe { (**self).release(block, order) }
    }
}

/// Allocates blocks from the global allocator.
pub(super) struct Heap;

impl Heap {
    /// Returns the layout of a block, which is aligned to its size, as huge pages are.
    fn layout(order: Order) -> Option<Layout> {
        Layout::from_size_align(order.bytes(), order.bytes().max(PAGE_SIZE)).ok()
    }
}

// SAFETY: the global allocator returns memory of the requested layout, unused, on any thread.
unsafe impl BlockSource for Heap {
    fn allocate(&self, order: Order) -> Option<Block> {
        // SAFETY: the size is not 0: a block has at least one page.
        let block = unsafe { alloc(Self::layout(order)?) };
        NonNull::new(block.cast()).map(Block::Dirty)
    }

    unsafe fn release(&self, block: NonNull<Page>, order: Order) {
        if let Some(layout) = Self::layout(order) {
            // SAFETY: the caller promises that the block was allocated with this layout.
            unsafe { dealloc(block.as_ptr().cast(), layout) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tests the default source of systems other than Linux.
    #[test]
    fn the_heap_aligns_blocks_to_their_size() {
        for order in [0, 1, 4, 9].map(|order| Order::new(order).unwrap()) {
            let Some(Block::Dirty(block)) = Heap.allocate(order) else { panic!("no memory") };
            assert_eq!(block.addr().get() % order.bytes(), 0);
            // SAFETY: the test owns the block, which has this size, and no longer uses it.
            unsafe {
                block.write_bytes(0xa5, order.npages());
                Heap.release(block, order);
            }
        }
    }
}
