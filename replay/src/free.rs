//! Frames that are free: a buddy allocator's, and those that wait for it.

use std::collections::VecDeque;

use buddy_system_allocator::FrameAllocator;
use clearpage::highmem::{Frame, FrameRange};

/// The number of orders: more than any memory needs, and within 32 bits of frame number.
const ORDERS: usize = 32;

/// Free frames. A freed block is reused only after all others, so that it has left the cache, as on
/// a machine where many processes allocate pages.
pub struct Free {
    buddy: FrameAllocator<ORDERS>,
    waiting: VecDeque<FrameRange>,
}

impl Free {
    pub fn new(frames: FrameRange) -> Self {
        let mut buddy = FrameAllocator::new();
        buddy.add_frame(frames.start().get() as usize, frames.end() as usize);
        Self { buddy, waiting: VecDeque::new() }
    }

    /// Allocates `npages` contiguous frames: a block of the buddy allocator without its unneeded
    /// rest, as Linux's `alloc_pages_exact`.
    pub fn take(&mut self, npages: usize) -> Option<FrameRange> {
        loop {
            if let Some(start) = self.buddy.alloc(npages) {
                let start = Frame::new(start as u64)?;
                let block = FrameRange::new(start, npages.next_power_of_two() as u64).ok()?;
                let (frames, rest) = block.split_at(npages as u64);
                self.put(rest);
                return Some(frames);
            }
            let longest_waiting = self.waiting.pop_front()?;
            self.put(longest_waiting);
        }
    }

    /// Frees allocated frames.
    pub fn give_back(&mut self, frames: FrameRange) {
        self.waiting.push_back(frames);
    }

    fn put(&mut self, frames: FrameRange) {
        for block in frames.blocks() {
            self.buddy.dealloc(block.start().get() as usize, block.npages() as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(npages: u64) -> Free {
        Free::new(FrameRange::new(Frame::default(), npages).unwrap())
    }

    #[test]
    fn freed_frames_are_reused_last() {
        let mut free = free(8);
        let mut seen = Vec::new();
        for _ in 0..16 {
            let frames = free.take(1).unwrap();
            seen.push(frames.start().get());
            free.give_back(frames);
        }
        assert_eq!(seen[..8], seen[8..]);
        seen[..8].sort_unstable();
        assert_eq!(seen[..8], [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn freed_frames_can_be_allocated_again() {
        let mut free = free(21);
        // Aligned blocks of 16, 4 and 1 pages, each cut as often as it can be.
        for (npages, times) in [(16, 1), (11, 1), (4, 5), (5, 2), (1, 21)] {
            let mut held: Vec<FrameRange> = Vec::new();
            while let Some(frames) = free.take(npages) {
                assert_eq!(frames.npages(), npages as u64);
                assert!(held.iter().all(|&other| frames.intersection(other).is_empty()));
                held.push(frames);
            }
            assert_eq!(held.len(), times, "{npages} pages");
            held.into_iter().for_each(|frames| free.give_back(frames));
        }
        assert_eq!(free.take(22), None);
    }
}
