//! Raw-pointer counterparts of the safe functions, for allocators. 0 pages or bytes are a no-op for
//! any pointer.

use std::io;
use std::ptr::NonNull;

use clearpage::raw::zero_bytes;
use clearpage::{Intent, Page};
#[cfg(any(target_os = "linux", target_os = "android"))]
use clearpage::{PAGE_SHIFT, PAGE_SIZE};

use crate::prefault::{HugePages, advise, fault_in};
#[cfg(any(target_os = "linux", target_os = "android"))]
use crate::reset::linux;
use crate::reset::{Known, Method, ResetError, Summary, run};

/// Makes `npages` pages present and writable, like [`crate::prefault`](fn@crate::prefault).
///
/// # Safety
/// - `page` is aligned to a page, and `npages` pages are no more than `isize::MAX` bytes.
/// - The pages are valid for reads and writes. Linux 5.14 and newer check this and return an error.
///   No other code writes to them meanwhile, except with atomics.
pub unsafe fn prefault(page: NonNull<Page>, npages: usize, huge: HugePages) -> io::Result<()> {
    if npages == 0 {
        return Ok(());
    }
    debug_assert!(page.is_aligned(), "prefault: {page:p} is not page-aligned");
    // SAFETY: the caller's promise.
    unsafe {
        advise(page, npages, huge);
        fault_in(page, npages)
    }
}

/// Zeroes `npages` pages at `page` by the given method.
///
/// Every call asks the system whether all of the range is mapped and writable, regardless of method
/// and size. On Linux 6.11 and newer this takes 4 microseconds. Before, it has to read
/// `/proc/self/maps`, which takes tens of microseconds, and more if there are many mappings.
///
/// # Safety
/// - `page` is aligned to a page, and `npages` pages are no more than `isize::MAX` bytes.
/// - The caller owns what is mapped there, and nothing else accesses it during the call.
/// - Without `/proc`, and on systems other than Linux, the pages are valid for reads and writes.
/// - The range has no guard regions (`MADV_GUARD_INSTALL`): the system never reports them.
///
/// # Errors
/// [`ResetError::Unmapped`] and [`ResetError::Protected`], and the errors of [`reset_with`](crate::reset_with).
pub unsafe fn reset(
    page: NonNull<Page>,
    npages: usize,
    method: Method,
) -> Result<Summary, ResetError> {
    // SAFETY: the caller's promise is that of `Known::Owned`.
    unsafe { run(page, npages, method, Known::Owned) }
}

/// Zeroes anonymous private pages for allocators: like [`reset`] without asking what is mapped.
///
/// # Safety
/// - `page` is aligned to a page, and `npages` pages are no more than `isize::MAX` bytes.
/// - The pages are valid for reads and writes, and nothing else accesses them during the call.
/// - They belong to anonymous private mappings (`MAP_PRIVATE | MAP_ANONYMOUS`, not `MAP_HUGETLB`).
///   If they do not, the memory is not zero afterwards.
pub unsafe fn reset_anonymous(
    page: NonNull<Page>,
    npages: usize,
    method: Method,
) -> Result<Summary, ResetError> {
    // SAFETY: the caller's promise is that of `Known::Anonymous`.
    unsafe { run(page, npages, method, Known::Anonymous) }
}

/// Zeroes `len` bytes at any address, without faulting in pages that were never touched.
///
/// This is for allocators that wipe blocks when they are freed: clearing a long, hardly used block
/// would fault it in, and could exhaust the system's memory. Touched pages are cleared, as are bytes
/// in pages that the range shares with others. In anonymous private memory, swapped-out pages are
/// dropped and untouched pages are skipped. Everything is cleared:
/// - in blocks too short for a check to pay off, [as for `reset`](mod@crate::reset#the-break-even);
/// - in memory that is not anonymous and private: files, shared memory, hugetlbfs;
/// - if the system does not report which pages were touched;
/// - on systems other than Linux and Android.
///
/// It may be called from within `dealloc`: it does not allocate, takes no lock and does not panic.
///
/// The system calls are `openat`, `ioctl`, `read`, `pread64`, `close` and `madvise`, and for a
/// trial at the first long block `mmap`, `munlock` and `munmap`. If they fail, everything is
/// cleared. A sandbox that kills the process for one of them has to allow it.
///
/// [`ClearingAlloc`](clearpage::hooks::ClearingAlloc) calls it for blocks from a given length on:
///
/// ```
/// use std::alloc::System;
///
/// use clearpage::hooks::{ClearingAlloc, InitPolicy};
///
/// // SAFETY: `wipe` zeroes all bytes of a block, and does not call the allocator.
/// #[global_allocator]
/// static ALLOC: ClearingAlloc<System> = unsafe {
///     ClearingAlloc::new(System)
///         .with_policy(InitPolicy::ON_FREE)
///         .wipe_with(4 << 20, clearpage_os::raw::wipe)
/// };
///
/// let mut table = vec![0_u8; 1 << 30];
/// table[12_345] = 1;
/// drop(table); // clears one page, not 1 GiB
/// ```
///
/// # Safety
/// - `ptr` is valid for reads and writes of `len` bytes, which are no more than `isize::MAX`. If
///   `len` is 0, it may be any pointer.
/// - Nothing else reads or writes the bytes during the call.
/// - Fresh pages of the memory are zero: no `userfaultfd` fills them.
pub unsafe fn wipe(ptr: *mut u8, len: usize) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    // The threshold exceeds a page, so the bytes before the first whole page are in the range.
    if len >= linux::check_pays_from(Known::Valid) {
        let before = ptr.addr().wrapping_neg() & (PAGE_SIZE - 1);
        let npages = (len - before) >> PAGE_SHIFT;
        let after = before + (npages << PAGE_SHIFT);
        // SAFETY: the parts lie in the range, and the second consists of whole, aligned pages.
        unsafe {
            zero_bytes(ptr, before, Intent::Auto);
            linux::wipe(NonNull::new_unchecked(ptr.add(before).cast()), npages);
            zero_bytes(ptr.add(after), len - after, Intent::Auto);
        }
        return;
    }
    // SAFETY: the caller's promise.
    unsafe { zero_bytes(ptr, len, Intent::Auto) }
}
