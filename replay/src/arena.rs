//! A page allocator under init_on_alloc: frames that are free, and the hook that clears them when
//! they are handed out, in the way before the Linux change or after it.

use std::marker::PhantomData;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clearpage::highmem::{Frame, FrameRange, Highmem, LinearMap};
use clearpage::hooks::{AllocFlags, InitPolicy, PageHooks};
use clearpage::{AvailablePrimitive, Intent, PAGE_SHIFT, Page};
use clearpage_os::measure::Clock;

use crate::free::Free;

/// Bytes of a call of the hook: a huge page, as page faults allocate them.
pub const BLOCK: usize = 2 << 20;

/// Pages in a [`BLOCK`].
pub const BLOCK_PAGES: usize = BLOCK >> PAGE_SHIFT;

/// How pages are cleared when they are allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Init {
    /// One call of what kernels clear a page with, for each page: before the change.
    PerPage,
    /// One call of the same for a block: the change.
    Batch,
    /// [`PageHooks::post_alloc`]: one call of what the plan says.
    Plan,
}

impl Init {
    pub const fn name(self) -> &'static str {
        match self {
            Self::PerPage => "before",
            Self::Batch => "batch",
            Self::Plan => "plan",
        }
    }

    /// Returns what clears a block, and in how many calls.
    pub fn what(self) -> String {
        match self {
            Self::PerPage => format!("{} a page", kernels().name()),
            Self::Batch => format!("{} a block", kernels().name()),
            // Where a block is past the second-level cache, as most are.
            Self::Plan => {
                format!("{} a block", clearpage::primitive_for(Intent::Cold, BLOCK).name())
            }
        }
    }
}

/// Returns the primitive that kernels of this ISA clear a page with: the first row of the table.
fn kernels() -> AvailablePrimitive {
    let row = clearpage::primitives().first().expect("a row").available();
    row.expect("the first row is always there")
}

/// An allocator of frames that clears them on allocation.
pub struct Arena<'m> {
    hooks: PageHooks<LinearMap>,
    init: Init,
    threads: NonZeroUsize,
    free: Mutex<Free>,
    spent: Mutex<Spent>,
    memory: PhantomData<&'m mut [Page]>,
}

/// The work of the hook.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    pub blocks: u64,
    pub npages: u64,
    /// CPU time in the hook, summed over the threads. The change was judged by kernel time, which
    /// is CPU time too.
    pub time: Duration,
}

impl<'m> Arena<'m> {
    /// Returns an arena of `memory`. `threads` threads clear an allocation, each a part, as threads
    /// do that touch it first.
    pub fn new(memory: &'m mut [Page], init: Init, threads: NonZeroUsize) -> Self {
        let frames = FrameRange::new(Frame::default(), memory.len() as u64).expect("few");
        // SAFETY: the memory is borrowed as long as the arena lives. Only allocated frames are
        // cleared, and before their owner sees them.
        let map = unsafe { LinearMap::new(frames, NonNull::from(memory).cast()) };
        Self {
            hooks: PageHooks::new(map).with_policy(InitPolicy::ON_ALLOC),
            init,
            threads,
            free: Mutex::new(Free::new(frames)),
            spent: Mutex::default(),
            memory: PhantomData,
        }
    }

    /// Allocates `npages` contiguous frames and clears them. Returns `None` if there is no such range.
    pub fn alloc(&self, npages: usize) -> Option<FrameRange> {
        let frames = locked(&self.free).take(npages)?;
        // SAFETY: the allocator has just handed them out.
        unsafe { self.init(frames) };
        Some(frames)
    }

    /// Frees frames.
    ///
    /// # Safety
    /// The range comes from [`alloc`](Self::alloc), was not freed before, and is no longer used.
    pub unsafe fn free_frames(&self, frames: FrameRange) {
        locked(&self.free).give_back(frames);
    }

    /// Returns the map from frames to addresses.
    pub fn address(&self, frames: FrameRange) -> NonNull<Page> {
        self.hooks.mem().page_address(frames).expect("all frames are mapped").cast()
    }

    pub fn spent(&self) -> Spent {
        *locked(&self.spent)
    }

    /// Returns the number of threads that clear.
    pub fn threads(&self) -> NonZeroUsize {
        self.threads
    }

    /// Clears frames, with one part for each thread.
    ///
    /// # Safety
    /// The frames belong to the caller.
    unsafe fn init(&self, frames: FrameRange) {
        let blocks = frames.npages().div_ceil(BLOCK_PAGES as u64);
        let share = blocks.div_ceil(self.threads.get() as u64) * BLOCK_PAGES as u64;
        let (mine, mut others) = frames.split_at(share);
        std::thread::scope(|scope| {
            while !others.is_empty() {
                let (theirs, rest) = others.split_at(share);
                // SAFETY: the caller's promise, and no two parts share a frame.
                scope.spawn(move || unsafe { self.init_blocks(theirs) });
                others = rest;
            }
            // SAFETY: as above.
            unsafe { self.init_blocks(mine) };
        });
    }

    /// # Safety
    /// As [`init`](Self::init).
    unsafe fn init_blocks(&self, frames: FrameRange) {
        let (mut left, mut blocks, clock) = (frames, 0, Clock::start());
        while !left.is_empty() {
            let (block, rest) = left.split_at(BLOCK_PAGES as u64);
            // SAFETY: the caller's promise.
            unsafe { self.init_block(block) };
            blocks += 1;
            left = rest;
        }
        let time = clock.elapsed();
        let mut spent = locked(&self.spent);
        spent.blocks += blocks;
        spent.npages += frames.npages();
        spent.time += time;
    }

    /// The hook.
    ///
    /// # Safety
    /// As [`init`](Self::init).
    unsafe fn init_block(&self, block: FrameRange) {
        match self.init {
            // SAFETY: the caller's promise.
            Init::PerPage => block.iter().for_each(|page| unsafe { self.by_kernels(page.into()) }),
            // SAFETY: as above.
            Init::Batch => unsafe { self.by_kernels(block) },
            Init::Plan => {
                // SAFETY: as above.
                let done = unsafe { self.hooks.post_alloc(block, AllocFlags::NONE) };
                let _ = done.expect("all frames are mapped");
            }
        }
    }

    /// Clears `frames` with one call of the primitive of kernels.
    ///
    /// # Safety
    /// As [`init`](Self::init).
    unsafe fn by_kernels(&self, frames: FrameRange) {
        let (pages, npages) = (self.address(frames), frames.npages() as usize);
        // SAFETY: mapped pages, which are nobody's yet by the caller's promise.
        let pages = unsafe { std::slice::from_raw_parts_mut(pages.as_ptr(), npages) };
        kernels().clear_pages(pages);
    }
}

/// Locks a mutex that no thread holds while it panics.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::garbage;
    use clearpage::PAGE_SIZE;

    fn bytes<'a>(arena: &'a Arena<'_>, frames: FrameRange) -> &'a [u8] {
        let len = frames.npages() as usize * PAGE_SIZE;
        // SAFETY: frames of the arena, which the caller holds.
        unsafe { std::slice::from_raw_parts(arena.address(frames).as_ptr().cast(), len) }
    }

    #[test]
    fn allocated_frames_are_zero_and_others_unchanged() {
        for init in [Init::PerPage, Init::Batch, Init::Plan] {
            for threads in [1, 3] {
                let mut pages = garbage(4 * BLOCK as u64);
                let npages = 3 * BLOCK_PAGES - 1;
                let arena = Arena::new(&mut pages, init, NonZeroUsize::new(threads).unwrap());
                let frames = arena.alloc(npages).unwrap();
                assert_eq!(frames.npages(), npages as u64);
                assert!(bytes(&arena, frames).iter().all(|&byte| byte == 0), "{init:?}");
                let spent = arena.spent();
                assert_eq!(spent.npages, npages as u64);
                assert_eq!(spent.blocks, 3, "a call of the hook a block");
                assert!(spent.time > Duration::ZERO);
                drop(arena);
                let left = pages.iter().filter(|page| page.as_bytes().iter().all(|&b| b == 0xa5));
                assert_eq!(left.count(), BLOCK_PAGES + 1);
            }
        }
    }
}
