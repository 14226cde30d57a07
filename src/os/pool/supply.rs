//! Where a pool's blocks come from, and where they go when it needs them no longer.

use std::alloc::{Layout, alloc, dealloc};
use std::ptr::NonNull;
use std::sync::Arc;

use crate::page::{Order, PAGE_SIZE, Page};

/// A source of blocks for a [`ZeroPool`](super::ZeroPool): guest memory, reserved huge pages, an
/// arena.
///
/// The pool's background thread calls it, and so do threads that take a block while none is ready
/// or drop one for which there is no room; all of them at once. After a `fork` the child calls it
/// too, from the one thread that it has: a lock that another thread held at that moment is held
/// there for good.
///
/// # Safety
/// A block from [`allocate`](Supply::allocate) is aligned to a page and valid for reads and writes
/// of the pages of the order asked for, and nobody else uses it until it comes back by
/// [`release`](Supply::release), even if the supply is dropped before. If it is said to be zero,
/// it is.
pub unsafe trait Supply: Send + Sync {
    /// A block, or `None` if there is none now.
    fn allocate(&self, order: Order) -> Option<Supplied>;

    /// Takes a block back; what it holds is of no use to anybody, and may be secret.
    ///
    /// # Safety
    /// The block came from [`allocate`](Supply::allocate) of this supply, with the same order, and
    /// is used no longer.
    unsafe fn release(&self, block: NonNull<Page>, order: Order);
}

/// A block from a [`Supply`], and what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supplied {
    /// Zeroes, as memory fresh from the system, which may not be present yet.
    Zero(NonNull<Page>),
    /// Anything.
    Dirty(NonNull<Page>),
}

// SAFETY: that of the supply itself.
unsafe impl<S: Supply + ?Sized> Supply for Arc<S> {
    fn allocate(&self, order: Order) -> Option<Supplied> {
        (**self).allocate(order)
    }

    unsafe fn release(&self, block: NonNull<Page>, order: Order) {
        // SAFETY: the caller's promise.
        unsafe { (**self).release(block, order) }
    }
}

/// The global allocator.
pub(super) struct Heap;

impl Heap {
    /// Aligned to their size, as huge pages are.
    fn layout(order: Order) -> Option<Layout> {
        Layout::from_size_align(order.size(), order.size().max(PAGE_SIZE)).ok()
    }
}

// SAFETY: the allocator's promise; and it is for all threads.
unsafe impl Supply for Heap {
    fn allocate(&self, order: Order) -> Option<Supplied> {
        // SAFETY: the size is that of a page at least.
        let block = unsafe { alloc(Self::layout(order)?) };
        NonNull::new(block.cast()).map(Supplied::Dirty)
    }

    unsafe fn release(&self, block: NonNull<Page>, order: Order) {
        if let Some(layout) = Self::layout(order) {
            // SAFETY: the caller's promise: it was allocated with this layout.
            unsafe { dealloc(block.as_ptr().cast(), layout) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The one that other systems have.
    #[test]
    fn the_heap_gives_aligned_blocks() {
        for order in [0, 1, 4, 9].map(|order| Order::new(order).unwrap()) {
            let Some(Supplied::Dirty(block)) = Heap.allocate(order) else { panic!("no memory") };
            assert_eq!(block.addr().get() % order.size(), 0);
            // SAFETY: it is the test's, of this size, and used no longer after that.
            unsafe {
                block.write_bytes(0xa5, order.npages());
                Heap.release(block, order);
            }
        }
    }
}
