//! Allocates blocks from the system, as anonymous mappings.
//!
//! A released block loses its memory (`MADV_DONTNEED`), but its addresses are cached for the next
//! allocation. Unmapping single blocks would split the mapping, and a process may have only 65530
//! mappings in total (/proc/sys/vm/max_map_count).

use std::collections::TryReserveError;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use rustix::mm::{Advice, madvise};
use rustix::param::page_size;

use super::ring::Ring;
use super::source::{Block, BlockSource};
use crate::HUGE;
use crate::linux::{Mapping, unmap};
use clearpage::{Order, Page};

/// Blocks that are mapped together; fewer if a huge page holds fewer, but at least one.
const TOGETHER: usize = 64;

pub(super) struct Mappings {
    order: Order,
    /// Mapped blocks without memory.
    free: Ring,
    /// Whether the system drops memory on `MADV_DONTNEED`.
    drops: bool,
}

impl Mappings {
    /// Returns whether the system can drop single blocks of `order`; it cannot if its own pages are
    /// larger.
    pub(super) fn serve(order: Order) -> bool {
        order.bytes() % page_size() == 0
    }

    /// Creates a source that caches the addresses of at least `capacity` blocks.
    pub(super) fn new(order: Order, capacity: usize) -> Result<Self, TryReserveError> {
        Ok(Self {
            order,
            free: Ring::new(capacity.max(TOGETHER))?,
            drops: crate::reset::linux::drops(),
        })
    }

    /// Maps several blocks; returns one and caches the others.
    fn map(&self) -> Option<NonNull<Page>> {
        let size = self.order.bytes();
        let len = size * (HUGE / size).clamp(1, TOGETHER);
        let slack = size - page_size();
        // Unmapped in parts.
        let mapping = ManuallyDrop::new(Mapping::new(len.checked_add(slack)?).ok()?).start();
        let start = mapping.map_addr(|addr| addr.next_multiple_of(size));
        let before = start.addr() - mapping.addr();
        // Small blocks are dropped one by one, but a huge page only as a whole, so they avoid huge
        // pages. A kernel without huge pages refuses both kinds of advice, which is harmless.
        let advice = if size < HUGE { Advice::LinuxNoHugepage } else { Advice::LinuxHugepage };
        // SAFETY: all three ranges lie in the mapping, which is new and not referenced.
        unsafe {
            unmap(mapping, before);
            unmap(start.wrapping_byte_add(len), slack - before);
            let _ = madvise(start, len, advice);
        }
        for at in (size..len).step_by(size) {
            let block = start.wrapping_byte_add(at);
            if !NonNull::new(block.cast()).is_some_and(|block| self.free.push(block)) {
                // SAFETY: the block is part of the new mapping, and is not referenced.
                unsafe { unmap(block, size) };
            }
        }
        NonNull::new(start.cast())
    }
}

// SAFETY: anonymous memory is zero when it is new and after the system dropped it. A block is in
// `free` only while it has no owner, and stays mapped until its owner releases it.
unsafe impl BlockSource for Mappings {
    fn allocate(&self, order: Order) -> Option<Block> {
        debug_assert_eq!(order, self.order);
        self.free.pop().or_else(|| self.map()).map(Block::Zero)
    }

    unsafe fn release(&self, block: NonNull<Page>, order: Order) {
        let start = block.as_ptr().cast();
        // SAFETY: the caller promises that the block is unused, and it is whole system pages of
        // this mapping. If it is locked, the kernel reports an error and drops nothing.
        let drop = || unsafe { madvise(start, order.bytes(), Advice::LinuxDontNeed) };
        if !self.drops || drop().is_err() || !self.free.push(block) {
            // SAFETY: as above.
            unsafe { unmap(start, order.bytes()) };
        }
    }
}

impl Drop for Mappings {
    /// Unmaps the cached blocks; those that were never released stay mapped.
    fn drop(&mut self) {
        let size = self.order.bytes();
        let mut blocks: Vec<_> = std::iter::from_fn(|| self.free.pop()).collect();
        // Adjacent blocks are unmapped together: unmapping one by one would split the mapping.
        blocks.sort_unstable();
        for run in blocks.chunk_by(|a, b| b.addr().get() - a.addr().get() == size) {
            // SAFETY: the blocks are mapped and have no owner; one munmap may span several
            // mappings.
            unsafe { unmap(run[0].as_ptr().cast(), run.len() * size) };
        }
    }
}
