//! The memory that the allocators here divide.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;

use clearpage::highmem::{Frame, FrameRange, LinearMap};
use clearpage::{PAGE_SIZE, Page};

/// What memory holds that nobody cleared: not zero, so that nothing is zero by luck.
pub const GARBAGE: u8 = 0xa5;

/// Pages that stay where they are until it is dropped.
#[derive(Debug)]
pub struct Arena {
    pages: NonNull<Page>,
    npages: usize,
}

// SAFETY: an address and a number; what is there is touched in unsafe code alone.
unsafe impl Send for Arena {}
// SAFETY: as above.
unsafe impl Sync for Arena {}

impl Arena {
    /// `npages` pages of zeroes, as an operating system gives them.
    ///
    /// # Panics
    /// If they are none.
    pub fn zeroed(npages: usize) -> Self {
        assert_ne!(npages, 0, "an arena of no pages");
        let layout = Self::layout(npages);
        // SAFETY: the layout is of at least a page.
        let pages = NonNull::new(unsafe { alloc_zeroed(layout) }.cast());
        Self { pages: pages.unwrap_or_else(|| handle_alloc_error(layout)), npages }
    }

    /// `npages` pages full of [`GARBAGE`], as firmware leaves them.
    pub fn garbage(npages: usize) -> Self {
        let arena = Self::zeroed(npages);
        // SAFETY: nobody else has the arena.
        unsafe { arena.fill(GARBAGE) };
        arena
    }

    /// Its first byte.
    pub const fn base(&self) -> NonNull<u8> {
        self.pages.cast()
    }

    /// Bytes in it.
    pub const fn size(&self) -> usize {
        self.npages * PAGE_SIZE
    }

    /// Its pages by number, from 0 on.
    pub fn frames(&self) -> FrameRange {
        FrameRange::new(Frame::default(), self.npages as u64).expect("they have addresses")
    }

    /// Those frames, mapped.
    ///
    /// # Safety
    /// The map is not used once the arena is dropped, and what the map clears is used by nobody else
    /// meanwhile.
    pub unsafe fn map(&self) -> LinearMap {
        // SAFETY: they are the pages of the arena; the rest is the caller's promise.
        unsafe { LinearMap::new(self.frames(), self.pages) }
    }

    /// What is in it.
    ///
    /// # Safety
    /// Nobody writes to it as long as the slice is used.
    pub unsafe fn bytes(&self) -> &[u8] {
        // SAFETY: all of it was initialised when it was made; the rest is the caller's promise.
        unsafe { std::slice::from_raw_parts(self.base().as_ptr(), self.size()) }
    }

    /// Makes every byte `byte`.
    ///
    /// # Safety
    /// Nobody else uses it meanwhile, and no allocator has its books in it.
    pub unsafe fn fill(&self, byte: u8) {
        // SAFETY: the caller's promise.
        unsafe { self.base().write_bytes(byte, self.size()) };
    }

    fn layout(npages: usize) -> Layout {
        Layout::array::<Page>(npages).expect("more pages than there are addresses")
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and dropped once.
        unsafe { dealloc(self.pages.as_ptr().cast(), Self::layout(self.npages)) };
    }
}
