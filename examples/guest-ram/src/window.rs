//! A part of a region, mapped.

use std::fmt;
use std::ptr::NonNull;

use clearpage::highmem::Mapping;
use clearpage::{PAGE_SHIFT, Page};
use vm_memory::VolatileSlice;
use vm_memory::bitmap::BitmapSlice;
use vm_memory::volatile_memory::PtrGuardMut;

/// Pages of one region, for as long as it is held; dropping it marks all of them dirty, cleared or
/// not.
///
/// They are marked then and not before because of who collects the marks, as a live migration does:
/// it takes and resets a page's mark, and then copies the page. A page that is marked before it is
/// written may be copied in between, and what is written then is lost. Marked after, it is copied
/// once more. That holds for a primitive that panics halfway too.
pub struct Window<'m, B: BitmapSlice> {
    slice: VolatileSlice<'m, B>,
    /// Dropped behind the mark: under Xen that unmaps the pages, and panics where it cannot.
    guard: PtrGuardMut,
    start: NonNull<Page>,
}

impl<'m, B: BitmapSlice> Window<'m, B> {
    /// Maps whole pages; where the host has them at an address that is none of a page, they are not
    /// mapped and it is the error.
    pub(crate) fn new(slice: VolatileSlice<'m, B>) -> Result<Self, usize> {
        let guard = slice.ptr_guard_mut();
        match NonNull::new(guard.as_ptr().cast::<Page>()) {
            Some(start) if start.is_aligned() => Ok(Self { slice, guard, start }),
            _ => Err(guard.as_ptr().addr()),
        }
    }
}

// SAFETY: the slice is of memory, its guard maps all of it, and its start is aligned; it has at
// least a page.
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
