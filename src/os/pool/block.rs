//! A block while somebody has it.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::slice;

use super::shared::Shared;
use crate::page::Page;
use crate::sync::Arc;

/// A block of pages from a [`ZeroPool`](super::ZeroPool), zero when it was taken.
///
/// Dropped, it goes back to the pool, by whichever thread, and is cleared there in the background;
/// or to the pool's supply, if the pool holds enough or is dropped already. Its memory is there as
/// long as the block is, whatever becomes of the pool.
pub struct ZeroBlock {
    first: NonNull<Page>,
    shared: Arc<Shared>,
}

// SAFETY: a block is owned, as a Box is, and pages are nothing but bytes.
unsafe impl Send for ZeroBlock {}
// SAFETY: as above.
unsafe impl Sync for ZeroBlock {}

impl ZeroBlock {
    /// # Safety
    /// The block was taken there, and nobody else has it.
    #[inline]
    pub(super) unsafe fn new(first: NonNull<Page>, shared: &Arc<Shared>) -> Self {
        Self { first, shared: Arc::clone(shared) }
    }

    /// All its bytes.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the block is ours, as long as `self` is borrowed, and nothing but bytes.
        unsafe { slice::from_raw_parts(self.first.as_ptr().cast(), self.shared.order.size()) }
    }

    /// All its bytes, to write.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above.
        unsafe { slice::from_raw_parts_mut(self.first.as_ptr().cast(), self.shared.order.size()) }
    }
}

impl Deref for ZeroBlock {
    type Target = [Page];

    fn deref(&self) -> &[Page] {
        // SAFETY: the block is ours, of the pool's order, initialised, and borrowed as `self` is.
        unsafe { slice::from_raw_parts(self.first.as_ptr(), self.shared.order.npages()) }
    }
}

impl DerefMut for ZeroBlock {
    fn deref_mut(&mut self) -> &mut [Page] {
        // SAFETY: as above.
        unsafe { slice::from_raw_parts_mut(self.first.as_ptr(), self.shared.order.npages()) }
    }
}

impl Drop for ZeroBlock {
    fn drop(&mut self) {
        // SAFETY: it was taken there, and this was the only way to it.
        unsafe { self.shared.give_back(self.first) }
    }
}

impl fmt::Debug for ZeroBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ZeroBlock({} pages at {:p})", self.len(), self.first)
    }
}
