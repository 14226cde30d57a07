//! A mapped part of a region.

use std::fmt;
use std::ptr::NonNull;

use clearpage::highmem::Mapping;
use clearpage::{PAGE_SHIFT, Page};
use vm_memory::VolatileSlice;
use vm_memory::bitmap::BitmapSlice;
use vm_memory::volatile_memory::PtrGuardMut;

/// Mapped pages of one region. Dropping the window marks all of them dirty, cleared or not.
///
/// The marks are set on drop because of live migration, which resets the mark of a page and then
/// copies the page. If the mark was set before the write, the copy could happen in between and miss
/// it. A mark that is set after the write causes one more copy. On a panic the drop sets it too.
pub struct Window<'m, B: BitmapSlice> {
    slice: VolatileSlice<'m, B>,
    /// Dropped after the pages are marked. Under Xen the drop unmaps them, or panics.
    guard: PtrGuardMut,
    start: NonNull<Page>,
}

impl<'m, B: BitmapSlice> Window<'m, B> {
    /// Maps whole pages. If their host address is not page-aligned, returns it as the error.
    pub(crate) fn new(slice: VolatileSlice<'m, B>) -> Result<Self, usize> {
        let guard = slice.ptr_guard_mut();
        match NonNull::new(guard.as_ptr().cast::<Page>()) {
            Some(start) if start.is_aligned() => Ok(Self { slice, guard, start }),
            _ => Err(guard.as_ptr().addr()),
        }
    }
}

// SAFETY: the guard maps all of the slice, which has at least one page and is aligned.
unsafe impl<B: BitmapSlice> Mapping for Window<'_, B> {
    fn pages(&self) -> NonNull<[Page]> {
        NonNull::slice_from_raw_parts(self.start, self.guard.len() >> PAGE_SHIFT)
    }
}

impl<B: BitmapSlice> Drop for Window<'_, B> {
    fn drop(&mut self) {
        self.slice.bitmap().mark_dirty(0, self.slice.len());
    }
}

impl<B: BitmapSlice> fmt::Debug for Window<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Window").field("guard", &self.guard).finish_non_exhaustive()
    }
}
