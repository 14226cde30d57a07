//! First touch: faulting memory in before it is needed.
//!
//! A fresh anonymous mapping is zero already: the kernel clears each page when it is first touched.
//! To clear it again would be to clear it twice; what is left to do is to touch it, as cheaply as
//! can be:
//! - On Linux, first of all, in huge pages, if asked to by [`HugePages::Advise`]: one fault and one
//!   clearing for 2 MiB.
//! - On Linux 5.14 and newer by one system call, `MADV_POPULATE_WRITE`, which faults everything in
//!   without a trap a page, and answers with an error where a touch would raise a signal.
//! - Elsewhere, and on older kernels, by touching one byte a page.
//!
//! Linux 6.18 on an AMD EPYC (Zen 5, in a virtual machine), from 2 MiB to 1 GiB, as times of
//! [`prefault`] with huge pages: a touch of each page 1.1, memset 1.4 to 1.5,
//! [`clear_pages_for`](crate::clear_pages_for) cold 1.6 to 2.6. Without huge pages [`prefault`]
//! takes 7 to 20, memset 9 to 25. `cargo bench --bench prefault` measures your machine.
//!
//! What is there stays there: memory that was zero is zero, memory that was not is as it was.
//! Memory that is not fresh, and has to be zero, is what [`clear_pages`](crate::clear_pages) is for.
//!
//! An error may come when some of the pages are already faulted in; which, the system does not say.
//! No content is lost, and to call again is harmless. These are `raw_os_error`s:
//! - `ENOMEM`: part of the range is not mapped, or there is no memory. Where the system promises
//!   more than it has, it may end a process instead, as it may at any touch.
//! - `EFAULT`: a touch would have raised `SIGBUS`, as behind the end of a file, or where there are
//!   no reserved huge pages left.
//! - `EHWPOISON`: the memory of a page is broken.
//! - `EINVAL`: part of the range is mapped without the right to write, or maps a device.

use std::io;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

#[cfg(any(target_os = "linux", target_os = "android"))]
use rustix::mm::Advice;

use crate::page::Page;

/// Whether memory is to be faulted in by huge pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HugePages {
    /// Advises the system to use them (`MADV_HUGEPAGE`) where the range holds one, and leaves the
    /// mapping so advised: what is given back and touched again comes back in huge pages too. It
    /// overrides an earlier `MADV_NOHUGEPAGE`, but not the administrator: where transparent huge
    /// pages are off, they stay off.
    #[default]
    Advise,
    /// As the mapping is set up: for memory that was advised otherwise on purpose, or that will
    /// mostly be given back page by page.
    AsMapped,
}

/// Makes every page present and writable; what the pages hold stays.
///
/// ```
/// use clearpage::{Page, prefault::{HugePages, prefault}};
///
/// # fn main() -> std::io::Result<()> {
/// let mut pages = vec![Page::ZERO; 1024];
/// prefault(&mut pages, HugePages::Advise)?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [above](self): the pages then hold what they held, and some may be present.
#[doc(alias = "MADV_POPULATE_WRITE")]
#[doc(alias = "MAP_POPULATE")]
pub fn prefault(pages: &mut [Page], huge: HugePages) -> io::Result<()> {
    // SAFETY: a slice is valid for reads and writes of all its pages, and nobody else's meanwhile.
    unsafe { prefault_raw(NonNull::from(&mut *pages).cast(), pages.len(), huge) }
}

/// [`prefault`] on a fresh mapping, whose pages are zero once they are there; returns them.
///
/// This clears nothing: whether the memory is zero is the caller's knowledge. Where that is not
/// certain, [`clear_pages_uninit`](crate::clear_pages_uninit) makes it so.
///
/// # Safety
/// The memory is that of an anonymous mapping and was never written since it was mapped, or since
/// the system was told to drop what it held (`MADV_DONTNEED`; not `MADV_FREE`, which drops it at
/// a time of its own). Memory from an allocator is not that, unless it promises to.
///
/// # Errors
/// As [above](self).
pub unsafe fn prefault_fresh(
    pages: &mut [MaybeUninit<Page>],
    huge: HugePages,
) -> io::Result<&mut [Page]> {
    // SAFETY: as in `prefault`; that the pages are zero, and so initialised, is the caller's
    // promise, and MaybeUninit<Page> has the layout of Page.
    unsafe {
        prefault_raw(NonNull::from(&mut *pages).cast(), pages.len(), huge)?;
        Ok(&mut *(core::ptr::from_mut(pages) as *mut [Page]))
    }
}

/// [`prefault`] on a pointer; 0 pages are a no-op, of any pointer.
///
/// # Safety
/// - `page` is aligned to a page, and `npages` pages are no more than `isize::MAX` bytes.
/// - The pages are valid for reads and writes, which Linux 5.14 and newer check themselves, with an
///   error; and nobody else writes them meanwhile but by atomics.
///
/// # Errors
/// As [above](self).
pub unsafe fn prefault_raw(page: NonNull<Page>, npages: usize, huge: HugePages) -> io::Result<()> {
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

/// Gives the advice that `huge` asks for, once for the whole of a range.
///
/// # Safety
/// The memory is the caller's to advise upon.
pub(super) unsafe fn advise(page: NonNull<Page>, npages: usize, huge: HugePages) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if huge == HugePages::Advise {
        // SAFETY: the caller's promise.
        unsafe { linux::advise(page, npages) }
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = (page, npages, huge);
}

/// Makes the pages present, of whatever size.
///
/// # Safety
/// As [`prefault_raw`].
unsafe fn fault_in(page: NonNull<Page>, npages: usize) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    // SAFETY: the caller's promise.
    if unsafe { linux::populate(page, npages, Advice::LinuxPopulateWrite)? } {
        return Ok(());
    }
    // SAFETY: the caller's promise.
    unsafe { touch(page, npages) };
    Ok(())
}

/// Writes to each page the byte that it holds, by an atomic that loses no other's write. A plain
/// read before it would cost a fault of its own.
///
/// # Safety
/// The pages are valid for reads and writes, and nobody else writes them meanwhile but by atomics.
unsafe fn touch(page: NonNull<Page>, npages: usize) {
    for i in 0..npages {
        // SAFETY: the caller's promise.
        let byte = unsafe { AtomicU8::from_ptr(page.add(i).as_ptr().cast()) };
        // Until it succeeds: a failed exchange stores nothing on ISAs with load-linked and
        // store-conditional, and a copy-on-write page would stay read-only. Not `fetch_or(0)`: LLVM
        // compiles that to a fence alone.
        let mut held = 0;
        while let Err(found) = byte.compare_exchange(held, held, Relaxed, Relaxed) {
            held = found;
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) mod linux {
    use std::ffi::c_void;
    use std::io;
    use std::ptr::NonNull;

    use rustix::io::{Errno, retry_on_intr};
    use rustix::mm::{Advice, madvise};
    use rustix::param::page_size;

    use super::super::HUGE;
    use crate::page::{PAGE_SHIFT, Page};

    /// Advises huge pages where the range holds one.
    ///
    /// # Safety
    /// The memory is the caller's to advise upon.
    pub(super) unsafe fn advise(page: NonNull<Page>, npages: usize) {
        let (start, len) = whole_pages(page, npages);
        if holds_huge_page(start.addr(), len) {
            // SAFETY: this advice changes no content. A kernel without huge pages refuses it, and
            // is right to.
            let _ = unsafe { madvise(start, len, Advice::LinuxHugepage) };
        }
    }

    /// Has the kernel fault a range in, by `LinuxPopulateRead` or `LinuxPopulateWrite`; `false` if
    /// it does not know how to.
    ///
    /// # Safety
    /// The memory is the caller's to touch.
    pub(in crate::os) unsafe fn populate(
        page: NonNull<Page>,
        npages: usize,
        advice: Advice,
    ) -> io::Result<bool> {
        let (start, len) = whole_pages(page, npages);
        // SAFETY: it touches what the caller may, and changes no content.
        let populate = |len| unsafe { madvise(start, len, advice) };
        match retry_on_intr(|| populate(len)) {
            Ok(()) => Ok(true),
            // A kernel that knows the advice takes it for no bytes; then this memory is at fault.
            Err(Errno::INVAL) if populate(0).is_err() => Ok(false),
            Err(error) => Err(io::Error::from_raw_os_error(error.raw_os_error())),
        }
    }

    /// Address and bytes, from the boundary of the system's page that the range begins in, which
    /// may be larger than ours. The system itself rounds the end up.
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
        fn advice_is_for_ranges_with_a_huge_page() {
            assert!(holds_huge_page(HUGE, HUGE));
            assert!(holds_huge_page(4096, 2 * HUGE - 4096));
            assert!(!holds_huge_page(4096, 2 * HUGE - 8192));
            assert!(!holds_huge_page(HUGE, HUGE - 4096));
            assert!(!holds_huge_page(usize::MAX - 4095, 4096));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    use crate::page::PAGE_SIZE;

    /// Fresh pages, and pages of a file that were read: a write to a touched one does not fault.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    #[test]
    fn touched_pages_are_writable() {
        use std::io::Write;

        use rustix::fs::{MemfdFlags, memfd_create};
        use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, mmap_anonymous, munmap};
        const PAGES: usize = 1024;
        const LEN: usize = PAGES * PAGE_SIZE;
        let faults = || -> usize {
            let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
            let (_, behind_name) = stat.rsplit_once(')').unwrap();
            behind_name.split_whitespace().nth(7).unwrap().parse().unwrap()
        };
        let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        let mut file = std::fs::File::from(memfd_create("touch", MemfdFlags::empty()).unwrap());
        file.write_all(&vec![0xa5; LEN]).unwrap();
        // SAFETY: where there is room, and to which nobody refers.
        unsafe {
            let fresh = mmap_anonymous(std::ptr::null_mut(), LEN, access, flags).unwrap();
            let read = mmap(std::ptr::null_mut(), LEN, access, flags, &file, 0).unwrap();
            for start in [fresh, read] {
                let _ = madvise(start, LEN, Advice::LinuxNoHugepage);
                let page = |at| start.cast::<Page>().add(at).cast::<u8>();
                if start == read {
                    (0..PAGES).for_each(|at| assert_eq!(page(at).read_volatile(), 0xa5));
                }
                touch(NonNull::new(start.cast()).unwrap(), PAGES);
                let before = faults();
                (0..PAGES).for_each(|at| page(at).write_volatile(1));
                let after = faults();
                assert!(after - before < PAGES / 16, "{} faults", after - before);
                munmap(start, LEN).unwrap();
            }
        }
    }

    #[test]
    fn touching_changes_nothing() {
        let mut pages = vec![Page::ZERO; 3];
        pages[1].as_bytes_mut().fill(0xa5);
        // SAFETY: pages of this vector.
        unsafe { touch(NonNull::from(&mut *pages).cast(), 3) };
        for (page, byte) in pages.iter().zip([0, 0xa5, 0]) {
            assert!(page.as_bytes().iter().all(|&b| b == byte));
        }
    }
}
