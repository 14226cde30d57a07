//! Allocates blocks from the system, as anonymous mappings.
//!
//! A released block loses its memory (`MADV_DONTNEED`), but its addresses are cached for the next
//! allocation. Unmapping single blocks would split the mapping, and a process may have only 65530
//! mappings in total (/proc/sys/vm/max_map_count).

use std::collections::TryReserveError;
use std::ffi::c_void;
use std::ptr::{NonNull, null_mut};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};
use rustix::param::page_size;

use super::super::HUGE;
use super::ring::Ring;
use super::supply::{Block, BlockSource};
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

    /// Creates a supply that caches the addresses of at least `capacity` blocks.
    pub(super) fn new(order: Order, capacity: usize) -> Result<Self, TryReserveError> {
        Ok(Self { order, free: Ring::new(capacity.max(TOGETHER))?, drops: drops() })
    }

    /// Maps several blocks; returns one and caches the others.
    fn map(&self) -> Option<NonNull<Page>> {
        let size = self.order.bytes();
        let len = size * (HUGE / size).clamp(1, TOGETHER);
        let slack = size - page_size();
        let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        let room = len.checked_add(slack)?;
        // SAFETY: the kernel chooses the address, so no other mapping is replaced.
        let mapping = unsafe { mmap_anonymous(null_mut(), room, access, flags) }.ok()?;
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

/// Tries `MADV_DONTNEED`, as jemalloc does: some emulators accept it but keep the contents.
fn drops() -> bool {
    let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
    // SAFETY: the kernel chooses the address; only this function uses the page until it unmaps it.
    unsafe {
        let Ok(page) = mmap_anonymous(null_mut(), page_size(), access, flags) else { return false };
        page.cast::<u8>().write_volatile(1);
        let advised = madvise(page, page_size(), Advice::LinuxDontNeed).is_ok();
        let dropped = advised && page.cast::<u8>().read_volatile() == 0;
        unmap(page, page_size());
        dropped
    }
}

/// # Safety
/// The range is mapped or empty, and is not referenced.
unsafe fn unmap(start: *mut c_void, len: usize) {
    if len > 0 {
        // If the process has too many mappings, the kernel refuses and the range stays mapped.
        // SAFETY: the caller's promise.
        let _ = unsafe { munmap(start, len) };
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that the block is zero, and fills it with garbage.
    fn fill(supplied: Option<Block>, order: Order) -> NonNull<Page> {
        let Some(Block::Zero(block)) = supplied else { panic!("{supplied:?}") };
        assert_eq!(block.addr().get() % order.bytes(), 0);
        // SAFETY: the test owns the block, which was allocated as zero and so is initialised.
        let bytes =
            unsafe { std::slice::from_raw_parts_mut(block.as_ptr().cast::<u8>(), order.bytes()) };
        assert!(bytes.iter().all(|&byte| byte == 0));
        bytes.fill(0xa5);
        block
    }

    #[test]
    fn blocks_are_aligned_and_zero_each_time() {
        for order in [0, 1, 4, 9].map(|order| Order::new(order).unwrap()) {
            if !Mappings::serve(order) {
                continue;
            }
            let supply = Mappings::new(order, 2).unwrap();
            let kept = fill(supply.allocate(order), order);
            let blocks = if order.bytes() < HUGE { TOGETHER + 6 } else { 3 };
            for _ in 0..3 {
                let taken: Vec<_> =
                    (0..blocks).map(|_| fill(supply.allocate(order), order)).collect();
                assert!(!taken.contains(&kept));
                for block in taken {
                    // SAFETY: the block came from this supply, and is no longer used.
                    unsafe { supply.release(block, order) };
                }
            }
            assert_eq!(supply.free.len(), blocks.min(TOGETHER), "so many are kept");
            drop(supply);
            // SAFETY: the block was not released, so it is still mapped.
            assert_eq!(unsafe { kept.as_ptr().cast::<u8>().read() }, 0xa5);
            // SAFETY: the block is mapped, and no longer referenced.
            unsafe { unmap(kept.as_ptr().cast(), order.bytes()) };
        }
    }
}
