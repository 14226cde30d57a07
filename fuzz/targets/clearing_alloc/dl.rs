//! dlmalloc, which keeps its metadata between and inside of blocks, over memory full of garbage.

use std::alloc::{GlobalAlloc, Layout, alloc, dealloc};
use std::cell::{Cell, RefCell};
use std::ptr::null_mut;

use dlmalloc::{Allocator, Dlmalloc};

const CHUNK: usize = 1 << 16;
/// Chunks that there are at most.
const CHUNKS: usize = 16;
const PAGE: usize = 4096;

/// Hands out chunks one after the other.
struct System {
    base: *mut u8,
    used: Cell<usize>,
}

impl System {
    const LAYOUT: Layout = match Layout::from_size_align(CHUNK * CHUNKS, PAGE) {
        Ok(layout) => layout,
        Err(_) => unreachable!(),
    };
}

impl Drop for System {
    fn drop(&mut self) {
        // SAFETY: it was allocated with this layout.
        unsafe { dealloc(self.base, Self::LAYOUT) };
    }
}

// SAFETY: chunks do not overlap. It is used on one thread.
unsafe impl Send for System {}

// SAFETY: chunks are never taken back.
unsafe impl Allocator for System {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        let (start, size) = (self.used.get(), size.next_multiple_of(CHUNK));
        if start + size > Self::LAYOUT.size() {
            return (null_mut(), 0, 0);
        }
        self.used.set(start + size);
        // SAFETY: inside of what was allocated.
        unsafe {
            let chunk = self.base.add(start);
            chunk.write_bytes(0xee, size);
            (chunk, size, 0)
        }
    }

    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        null_mut()
    }

    fn free_part(&self, _: *mut u8, _: usize, _: usize) -> bool {
        false
    }

    fn free(&self, _: *mut u8, _: usize) -> bool {
        false
    }

    fn can_release_part(&self, _: u32) -> bool {
        false
    }

    fn allocates_zeros(&self) -> bool {
        false
    }

    fn page_size(&self) -> usize {
        PAGE
    }
}

pub struct Dl(RefCell<Dlmalloc<System>>);

impl Dl {
    pub fn new() -> Self {
        // SAFETY: the size is not 0.
        let base = unsafe { alloc(System::LAYOUT) };
        assert!(!base.is_null(), "out of memory");
        Self(RefCell::new(Dlmalloc::new_with_allocator(System { base, used: Cell::new(0) })))
    }
}

// SAFETY: dlmalloc's promise.
unsafe impl GlobalAlloc for Dl {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { self.0.borrow_mut().malloc(layout.size(), layout.align()) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { self.0.borrow_mut().calloc(layout.size(), layout.align()) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { self.0.borrow_mut().realloc(ptr, layout.size(), layout.align(), new_size) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { self.0.borrow_mut().free(ptr, layout.size(), layout.align()) }
    }
}
