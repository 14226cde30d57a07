//! The handle through which a caller owns a block.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::slice;

use super::shared::Shared;
use crate::sync::Arc;
use clearpage::Page;

/// Owns a block of pages from a [`ZeroPool`](super::ZeroPool), which was zero when it was taken.
///
/// Any thread may drop it. The block then returns to the pool, which clears it in the background,
/// or to the source if the pool is full or already dropped. Its memory stays valid as long as the
/// handle exists, even if the pool is dropped first.
pub struct ZeroBlock {
    first: NonNull<Page>,
    shared: Arc<Shared>,
}

// SAFETY: a `ZeroBlock` owns its pages, as a `Box` does, and pages are plain bytes.
unsafe impl Send for ZeroBlock {}
// SAFETY: as above; through `&ZeroBlock` the pages can only be read.
unsafe impl Sync for ZeroBlock {}

impl ZeroBlock {
    /// # Safety
    /// `first` was taken from `shared`, and has no other owner.
    #[inline]
    pub(super) unsafe fn new(first: NonNull<Page>, shared: &Arc<Shared>) -> Self {
        Self { first, shared: Arc::clone(shared) }
    }

    /// Returns all bytes of the block.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: pages consist of bytes, and `self` is borrowed with the slice.
        unsafe { slice::from_raw_parts(self.first.as_ptr().cast(), size_of_val(&**self)) }
    }

    /// Returns all bytes of the block, for writing.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and the borrow is exclusive.
        unsafe { slice::from_raw_parts_mut(self.first.as_ptr().cast(), size_of_val(&**self)) }
    }
}

impl Deref for ZeroBlock {
    type Target = [Page];

    fn deref(&self) -> &[Page] {
        // SAFETY: `self` owns `npages` initialised pages, and is borrowed with the slice.
        unsafe { slice::from_raw_parts(self.first.as_ptr(), self.shared.order.npages()) }
    }
}

impl DerefMut for ZeroBlock {
    fn deref_mut(&mut self) -> &mut [Page] {
        // SAFETY: as above, and the borrow is exclusive.
        unsafe { slice::from_raw_parts_mut(self.first.as_ptr(), self.shared.order.npages()) }
    }
}

impl Drop for ZeroBlock {
    fn drop(&mut self) {
        // SAFETY: the block was taken from `shared`, and its only owner ends here.
        unsafe { self.shared.free(self.first) }
    }
}

impl fmt::Debug for ZeroBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ZeroBlock({} pages at {:p})", self.len(), self.first)
    }
}
