//! Faults memory in before it is needed.
//!
//! A fresh anonymous mapping is already zero: the kernel clears each page when it is first touched,
//! so clearing it again would clear it twice. It only has to be touched, as cheaply as possible:
//! - On Linux with [`HugePages::Advise`], in huge pages: one fault and one clear per 2 MiB.
//! - On Linux 5.14 and newer, with one system call, `MADV_POPULATE_WRITE`: it faults the whole
//!   range in without a trap per page, and returns an error where a touch would raise a signal.
//! - On other systems and older kernels, by touching one byte per page. `PrefetchVirtualMemory` of
//!   Windows only reads pages back that were paged out.
//!
//! On Linux 6.18 and an AMD EPYC (Zen 5, in a virtual machine), a memset of fresh memory takes 1.4
//! times as long as [`prefault`] with huge pages, and [`prefault`] without them 7 to 20 times.
//! `cargo bench --bench prefault` measures your machine.
//!
//! Contents do not change. If memory is not fresh and must be zero, use
//! [`clear_pages`](clearpage::clear_pages).
//!
//! A touch reports no error: where memory cannot be made present, it ends the process. An error of
//! Linux may come after some pages are faulted in; the system does not report which. No content is
//! lost, and a retry is harmless. The `raw_os_error` is one of these:
//! - `ENOMEM`: part of the range is not mapped, or no memory is available. A system that
//!   overcommits may end a process instead, as at any touch.
//! - `EFAULT`: a touch would have raised `SIGBUS`, as past the end of a file, or if no reserved
//!   huge page is left.
//! - `EHWPOISON`: the memory of a page is broken.
//! - `EINVAL`: part of the range is mapped without write access, or maps a device.

use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

#[cfg(any(target_os = "linux", target_os = "android"))]
use rustix::mm::Advice;

use clearpage::Page;

#[cfg(any(target_os = "linux", target_os = "android"))]
use crate::linux;
use crate::raw;

/// Selects whether memory is faulted in as huge pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HugePages {
    /// Advises the kernel to use huge pages (`MADV_HUGEPAGE`) if the range holds one. The advice
    /// stays with the mapping: memory that is released and touched again is faulted in as huge
    /// pages too. It overrides an earlier `MADV_NOHUGEPAGE`, but not a system-wide setting that
    /// disables them.
    #[default]
    Advise,
    /// Leaves the mapping's advice unchanged, for memory with other advice on purpose, or memory
    /// that is mostly released page by page.
    AsMapped,
}

/// Makes every page present and writable, without changing its contents.
///
/// ```
/// use clearpage::Page;
/// use clearpage_os::{HugePages, prefault};
///
/// # fn main() -> std::io::Result<()> {
/// let mut pages = vec![Page::ZERO; 1024];
/// prefault(&mut pages, HugePages::Advise)?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [above](self). The contents are unchanged, and some pages may be present.
#[doc(alias = "MADV_POPULATE_WRITE")]
#[doc(alias = "MAP_POPULATE")]
pub fn prefault(pages: &mut [Page], huge: HugePages) -> io::Result<()> {
    // SAFETY: a slice is valid for reads and writes of all its pages, and exclusively borrowed.
    unsafe { raw::prefault(NonNull::from(&mut *pages).cast(), pages.len(), huge) }
}

/// Advises the kernel as `huge` selects, once for the whole of a range.
///
/// # Safety
/// The caller may advise on the memory.
pub(crate) unsafe fn advise(page: NonNull<Page>, npages: usize, huge: HugePages) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if huge == HugePages::Advise {
        // SAFETY: the caller's promise.
        unsafe { linux::advise_huge(page, npages) }
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = (page, npages, huge);
}

/// Makes the pages present, without advice about huge pages.
///
/// # Safety
/// As [`raw::prefault`].
pub(crate) unsafe fn fault_in(page: NonNull<Page>, npages: usize) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    // SAFETY: the caller's promise.
    if unsafe { linux::populate(page, npages, Advice::LinuxPopulateWrite)? } {
        return Ok(());
    }
    // SAFETY: the caller's promise.
    unsafe { touch(page, npages) };
    Ok(())
}

/// Writes each page's first byte back to it, with an atomic that loses no other write. A plain read
/// first would cost an extra fault.
///
/// # Safety
/// The pages are valid for reads and writes. No other code writes to them meanwhile, except with
/// atomics.
unsafe fn touch(page: NonNull<Page>, npages: usize) {
    for i in 0..npages {
        // SAFETY: the caller's promise.
        let byte = unsafe { AtomicU8::from_ptr(page.add(i).as_ptr().cast()) };
        // Retry until it succeeds: with load-linked and store-conditional a failed exchange stores
        // nothing, so a copy-on-write page would stay read-only. LLVM compiles `fetch_or(0)` to a
        // fence alone.
        let mut held = 0;
        while let Err(found) = byte.compare_exchange(held, held, Relaxed, Relaxed) {
            held = found;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touching_changes_nothing() {
        let mut pages = vec![Page::ZERO; 3];
        pages[1].as_bytes_mut().fill(0xa5);
        // SAFETY: the pages belong to `pages`.
        unsafe { touch(NonNull::from(&mut *pages).cast(), 3) };
        for (page, byte) in pages.iter().zip([0, 0xa5, 0]) {
            assert!(page.as_bytes().iter().all(|&b| b == byte));
        }
    }

    /// Tests fresh pages, and file pages that were read: a write to a touched page does not fault.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    #[test]
    fn touched_pages_are_writable() {
        use crate::linux::{Mapping, READ_WRITE};
        use clearpage::PAGE_SIZE;
        use rustix::fs::{MemfdFlags, memfd_create};
        use rustix::mm::{MapFlags, madvise, mmap};
        use std::io::Write;

        const PAGES: usize = 1024;
        const LEN: usize = PAGES * PAGE_SIZE;
        let faults = || -> usize {
            let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
            let (_, after_name) = stat.rsplit_once(')').unwrap();
            after_name.split_whitespace().nth(7).unwrap().parse().unwrap()
        };
        let mut file = std::fs::File::from(memfd_create("touch", MemfdFlags::empty()).unwrap());
        file.write_all(&vec![0xa5; LEN]).unwrap();
        let fresh = Mapping::new(LEN).unwrap();
        // SAFETY: a new mapping at an address that the kernel picks, used by this test alone.
        let read = unsafe {
            let null = std::ptr::null_mut();
            let start = mmap(null, LEN, READ_WRITE, MapFlags::PRIVATE, &file, 0).unwrap();
            Mapping::from_raw(start, LEN)
        };
        for (mapping, read) in [(fresh, false), (read, true)] {
            let page = |at| mapping.start().cast::<Page>().wrapping_add(at).cast::<u8>();
            // SAFETY: the mapping has this many pages, and only this test uses it.
            unsafe {
                let _ = madvise(mapping.start(), LEN, Advice::LinuxNoHugepage);
                if read {
                    (0..PAGES).for_each(|at| assert_eq!(page(at).read_volatile(), 0xa5));
                }
                touch(NonNull::new(mapping.start().cast()).unwrap(), PAGES);
                let before = faults();
                (0..PAGES).for_each(|at| page(at).write_volatile(1));
                let after = faults();
                assert!(after - before < PAGES / 16, "{} faults", after - before);
            }
        }
    }
}
