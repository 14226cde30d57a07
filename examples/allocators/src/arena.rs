//! The memory that the example allocators manage.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;

use clearpage::highmem::{Frame, FrameRange, LinearMap};
use clearpage::{PAGE_SIZE, Page};

/// The contents of uncleared memory. Not zero, so that a missing clear shows.
pub const GARBAGE: u8 = 0xa5;

/// Pages with a fixed address, freed on drop.
#[derive(Debug)]
pub struct Arena {
    pages: NonNull<Page>,
    npages: usize,
}

// SAFETY: an address and a number. Only unsafe functions access the memory.
unsafe impl Send for Arena {}
// SAFETY: as above.
unsafe impl Sync for Arena {}

impl Arena {
    /// Allocates `npages` zeroed pages, as an operating system returns them.
    ///
    /// # Panics
    /// If `npages` is 0.
    pub fn zeroed(npages: usize) -> Self {
        assert_ne!(npages, 0, "npages is 0");
        let layout = Self::layout(npages);
        // SAFETY: the layout has at least one page.
        let pages = NonNull::new(unsafe { alloc_zeroed(layout) }.cast());
        Self { pages: pages.unwrap_or_else(|| handle_alloc_error(layout)), npages }
    }

    /// Allocates `npages` pages of [`GARBAGE`], as firmware leaves them.
    pub fn garbage(npages: usize) -> Self {
        let arena = Self::zeroed(npages);
        // SAFETY: nothing else uses the arena yet.
        unsafe { arena.fill(GARBAGE) };
        arena
    }

    /// Returns the address of the first byte.
    pub const fn base(&self) -> NonNull<u8> {
        self.pages.cast()
    }

    /// Returns the size in bytes.
    pub const fn size(&self) -> usize {
        self.npages * PAGE_SIZE
    }

    /// Returns the pages as frames from 0 on.
    pub fn frames(&self) -> FrameRange {
        FrameRange::new(Frame::default(), self.npages as u64).expect("small")
    }

    /// Returns a map of [`frames`](Self::frames).
    ///
    /// # Safety
    /// The map is not used after the arena is dropped. While frames are cleared through the map,
    /// nothing else uses them.
    pub unsafe fn map(&self) -> LinearMap {
        // SAFETY: these are the pages of the arena; the rest is the caller's promise.
        unsafe { LinearMap::new(self.frames(), self.pages) }
    }

    /// Returns the contents.
    ///
    /// # Safety
    /// Nothing writes to the arena while the slice is used.
    pub unsafe fn bytes(&self) -> &[u8] {
        // SAFETY: the arena was created initialised; the rest is the caller's promise.
        unsafe { std::slice::from_raw_parts(self.base().as_ptr(), self.size()) }
    }

    /// Fills the arena with `byte`.
    ///
    /// # Safety
    /// Nothing else uses the arena, and no allocator has its metadata in it.
    pub unsafe fn fill(&self, byte: u8) {
        // SAFETY: the caller's promise.
        unsafe { self.base().write_bytes(byte, self.size()) };
    }

    fn layout(npages: usize) -> Layout {
        Layout::array::<Page>(npages).expect("npages exceed the address space")
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and dropped once.
        unsafe { dealloc(self.pages.as_ptr().cast(), Self::layout(self.npages)) };
    }
}
