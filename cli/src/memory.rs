//! The memory that is cleared: one block, huge pages where they can be had, already touched.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;

use clearpage::{PAGE_SHIFT, PAGE_SIZE, Page};

/// Huge pages are this large on most machines; more alignment than needed costs nothing.
const HUGE: usize = 2 << 20;

/// One block of memory.
pub struct Arena {
    start: NonNull<Page>,
    layout: Layout,
}

impl Arena {
    /// Takes `bytes`, rounded up to a huge page, and touches all of them.
    pub fn new(bytes: usize) -> Self {
        let layout = Layout::from_size_align(bytes.next_multiple_of(HUGE), HUGE.max(PAGE_SIZE))
            .expect("no larger than memory");
        // SAFETY: the size is not 0.
        let start = NonNull::new(unsafe { alloc(layout) });
        let start: NonNull<Page> = start.unwrap_or_else(|| handle_alloc_error(layout)).cast();
        #[cfg(any(target_os = "linux", target_os = "android"))]
        // SAFETY: the block is ours; advice does not change what it holds.
        let _ = unsafe {
            // Without huge pages the figures are lower, not wrong.
            rustix::mm::madvise(
                start.as_ptr().cast(),
                layout.size(),
                rustix::mm::Advice::LinuxHugepage,
            )
        };
        // SAFETY: the block is ours, of this size and alignment.
        unsafe { clearpage::raw::clear_pages(start, layout.size() >> PAGE_SHIFT) };
        Self { start, layout }
    }

    /// All of it.
    pub fn pages(&mut self) -> &mut [Page] {
        let npages = self.layout.size() >> PAGE_SHIFT;
        // SAFETY: the block is ours, initialised, and borrowed as `self` is.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), npages) }
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout.
        unsafe { dealloc(self.start.as_ptr().cast(), self.layout) }
    }
}
