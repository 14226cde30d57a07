//! Wraps the memory calls of Linux that several modules use.

use std::ffi::c_void;
use std::io;
use std::ptr::{NonNull, null_mut};

use rustix::io::{Errno, retry_on_intr};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};
use rustix::param::page_size;

use crate::HUGE;
use clearpage::{PAGE_SHIFT, Page};

pub(crate) const READ_WRITE: ProtFlags = ProtFlags::READ.union(ProtFlags::WRITE);

/// Owns a mapping, and unmaps it when dropped.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: *mut c_void,
    len: usize,
}

impl Mapping {
    /// Maps `len` bytes of fresh anonymous private memory.
    pub(crate) fn new(len: usize) -> rustix::io::Result<Self> {
        // SAFETY: the kernel chooses the address, so no other mapping is replaced.
        let start = unsafe { mmap_anonymous(null_mut(), len, READ_WRITE, MapFlags::PRIVATE)? };
        Ok(Self { start, len })
    }

    /// Takes ownership of a mapping.
    ///
    /// # Safety
    /// The range is mapped, and has no other owner.
    pub(crate) unsafe fn from_raw(start: *mut c_void, len: usize) -> Self {
        Self { start, len }
    }

    pub(crate) fn start(&self) -> *mut c_void {
        self.start
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: `self` owns the range, and no reference to it outlives `self`.
        unsafe { unmap(self.start, self.len) }
    }
}

/// Unmaps a range. If the process has too many mappings, the kernel refuses and the range stays
/// mapped.
///
/// # Safety
/// The range is mapped or empty, and is not referenced.
pub(crate) unsafe fn unmap(start: *mut c_void, len: usize) {
    if len > 0 {
        // SAFETY: the caller's promise.
        let _ = unsafe { munmap(start, len) };
    }
}

/// Advises huge pages if the range holds one.
///
/// # Safety
/// The caller may advise on the memory.
pub(crate) unsafe fn advise_huge(page: NonNull<Page>, npages: usize) {
    let (start, len) = whole_pages(page, npages);
    if holds_huge_page(start.addr(), len) {
        // SAFETY: this advice changes no content. A kernel without huge pages refuses it, which is
        // harmless.
        let _ = unsafe { madvise(start, len, Advice::LinuxHugepage) };
    }
}

/// Faults a range in with `LinuxPopulateRead` or `LinuxPopulateWrite`; returns `false` if the
/// kernel does not support it.
///
/// # Safety
/// The caller may touch the memory.
pub(crate) unsafe fn populate(
    page: NonNull<Page>,
    npages: usize,
    advice: Advice,
) -> io::Result<bool> {
    let (start, len) = whole_pages(page, npages);
    // SAFETY: it touches only memory that the caller may touch, and changes no content.
    let populate = |len| unsafe { madvise(start, len, advice) };
    match retry_on_intr(|| populate(len)) {
        Ok(()) => Ok(true),
        // A kernel with this advice accepts it for 0 bytes; then the range is at fault.
        Err(Errno::INVAL) if populate(0).is_err() => Ok(false),
        Err(error) => Err(io::Error::from_raw_os_error(error.raw_os_error())),
    }
}

/// Returns address and bytes, starting at a boundary of the system's pages, which may be larger
/// than ours. The kernel rounds the end up itself.
fn whole_pages(page: NonNull<Page>, npages: usize) -> (*mut c_void, usize) {
    let before = page.addr().get() & (page_size() - 1);
    let start = page.as_ptr().cast::<c_void>().wrapping_byte_sub(before);
    (start, (npages << PAGE_SHIFT) + before)
}

fn holds_huge_page(start: usize, len: usize) -> bool {
    start.checked_next_multiple_of(HUGE).is_some_and(|first| first - start + HUGE <= len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_range_with_a_whole_huge_page_is_advised() {
        assert!(holds_huge_page(HUGE, HUGE));
        assert!(holds_huge_page(4096, 2 * HUGE - 4096));
        assert!(!holds_huge_page(4096, 2 * HUGE - 8192));
        assert!(!holds_huge_page(HUGE, HUGE - 4096));
        assert!(!holds_huge_page(usize::MAX - 4095, 4096));
    }
}
