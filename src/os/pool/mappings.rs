//! Blocks from the system, as anonymous mappings.
//!
//! A block that goes back loses its memory (`MADV_DONTNEED`) and keeps its addresses, for the next
//! one: to unmap one here and one there would cut the mapping into pieces, of which a process may
//! have 65530 (/proc/sys/vm/max_map_count) for everything that it maps.

use std::collections::TryReserveError;
use std::ffi::c_void;
use std::ptr::{NonNull, null_mut};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};
use rustix::param::page_size;

use super::super::HUGE;
use super::ring::Ring;
use super::supply::{Supplied, Supply};
use crate::page::{Order, Page};

/// Blocks that are mapped together, unless they are more than a huge page.
const TOGETHER: usize = 64;

pub(super) struct Mappings {
    order: Order,
    /// Addresses without memory.
    free: Ring,
    /// Whether the system drops memory when it is told to.
    drops: bool,
}

impl Mappings {
    /// Whether the system can take single blocks of that order back: not if its own pages are
    /// larger.
    pub(super) fn serve(order: Order) -> bool {
        order.size() % page_size() == 0
    }

    /// Keeps addresses of as many blocks; those of others are unmapped.
    pub(super) fn new(order: Order, capacity: usize) -> Result<Self, TryReserveError> {
        Ok(Self { order, free: Ring::new(capacity.max(TOGETHER))?, drops: drops() })
    }

    /// Maps some blocks; keeps all but one.
    fn map(&self) -> Option<NonNull<Page>> {
        let size = self.order.size();
        let len = size * (HUGE / size).clamp(1, TOGETHER);
        let slack = size - page_size();
        let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        let room = len.checked_add(slack)?;
        // SAFETY: where there is room.
        let mapping = unsafe { mmap_anonymous(null_mut(), room, access, flags) }.ok()?;
        let start = mapping.map_addr(|addr| addr.next_multiple_of(size));
        let before = start.addr() - mapping.addr();
        // A pool of small blocks holds so many bytes and no more: a huge page would be given back
        // in whole or not at all. A kernel without them refuses both, and is right to.
        let advice = if size < HUGE { Advice::LinuxNoHugepage } else { Advice::LinuxHugepage };
        // SAFETY: all of it lies in the mapping, which is new.
        unsafe {
            unmap(mapping, before);
            unmap(start.wrapping_byte_add(len), slack - before);
            let _ = madvise(start, len, advice);
        }
        for at in (size..len).step_by(size) {
            let block = start.wrapping_byte_add(at);
            if !NonNull::new(block.cast()).is_some_and(|block| self.free.push(block)) {
                // SAFETY: nobody refers to it.
                unsafe { unmap(block, size) };
            }
        }
        NonNull::new(start.cast())
    }
}

/// Tries it: emulators are known that take the advice and keep the content. (As jemalloc does.)
fn drops() -> bool {
    let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
    // SAFETY: a new page of nobody else's, where there is room.
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
/// It is mapped, or nothing, and nobody refers to it.
unsafe fn unmap(start: *mut c_void, len: usize) {
    if len > 0 {
        // Refused where the process has too many mappings already: then it stays.
        // SAFETY: the caller's promise.
        let _ = unsafe { munmap(start, len) };
    }
}

// SAFETY: an anonymous mapping is zero, and so is one whose memory the system has dropped; a block
// is in `free` only while nobody has it, and mapped until it comes back.
unsafe impl Supply for Mappings {
    fn allocate(&self, order: Order) -> Option<Supplied> {
        debug_assert_eq!(order, self.order);
        self.free.pop().or_else(|| self.map()).map(Supplied::Zero)
    }

    unsafe fn release(&self, block: NonNull<Page>, order: Order) {
        let start = block.as_ptr().cast();
        // SAFETY: the block is whole pages of a mapping of ours, used by nobody: the caller's
        // promise. Locked memory is not dropped, but told.
        let drop = || unsafe { madvise(start, order.size(), Advice::LinuxDontNeed) };
        if !self.drops || drop().is_err() || !self.free.push(block) {
            // SAFETY: as above.
            unsafe { unmap(start, order.size()) };
        }
    }
}

impl Drop for Mappings {
    /// Blocks that never came back stay mapped.
    fn drop(&mut self) {
        let size = self.order.size();
        let mut blocks: Vec<_> = std::iter::from_fn(|| self.free.pop()).collect();
        // Neighbours together: each alone would be a cut.
        blocks.sort_unstable();
        for run in blocks.chunk_by(|a, b| b.addr().get() - a.addr().get() == size) {
            // SAFETY: mapped, and used by nobody; neighbours may be unmapped by one call, however
            // they were mapped.
            unsafe { unmap(run[0].as_ptr().cast(), run.len() * size) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Garbage into a block that has to be zero.
    fn fill(supplied: Option<Supplied>, order: Order) -> NonNull<Page> {
        let Some(Supplied::Zero(block)) = supplied else { panic!("{supplied:?}") };
        assert_eq!(block.addr().get() % order.size(), 0);
        // SAFETY: a block that is the test's, and zero.
        let bytes =
            unsafe { std::slice::from_raw_parts_mut(block.as_ptr().cast::<u8>(), order.size()) };
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
            let blocks = if order.size() < HUGE { TOGETHER + 6 } else { 3 };
            for _ in 0..3 {
                let taken: Vec<_> =
                    (0..blocks).map(|_| fill(supply.allocate(order), order)).collect();
                assert!(!taken.contains(&kept));
                for block in taken {
                    // SAFETY: it came from there, and is used no longer.
                    unsafe { supply.release(block, order) };
                }
            }
            assert_eq!(supply.free.len(), blocks.min(TOGETHER), "so many are kept");
            drop(supply);
            // SAFETY: it was not given back, so it is still there.
            assert_eq!(unsafe { kept.as_ptr().cast::<u8>().read() }, 0xa5);
            // SAFETY: nobody refers to it any more.
            unsafe { unmap(kept.as_ptr().cast(), order.size()) };
        }
    }
}
