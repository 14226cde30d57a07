//! Back to zero by the cheapest means: memory that was used and shall be as if it were fresh.
//!
//! There are three ways, [`How`]: to clear all of it; to clear the pages that were touched, as the
//! kernel tells of them; to have the kernel drop them, so that the next touch faults in a fresh
//! one. [`How::Auto`] chooses by size, by what was touched, and by what is to come, [`Next`]: a page
//! that is given back has to be faulted in again when it is used. [`wipe`] is for any bytes, from
//! within an allocator.
//!
//! ```
//! use clearpage::Page;
//! use clearpage::reset::{How, Next, reset};
//!
//! # fn main() -> Result<(), clearpage::reset::ResetError> {
//! let mut pages = vec![Page::ZERO; 1024];
//! pages[7].as_bytes_mut()[9] = 1;
//! let done = reset(&mut pages, How::Auto, Next::Used)?;
//! assert_eq!(done.cleared + done.discarded + done.untouched, 1024);
//! assert_eq!(pages[7].as_bytes()[9], 0);
//! # Ok(())
//! # }
//! ```
//!
//! # What is promised
//! - `Ok`: all of it is zero. `Err`: none of it was changed.
//! - Nothing is allocated, so an allocator may call it.
//! - A call that asks the kernel opens `/proc/self/maps`, `/proc/self/pagemap` or both with
//!   `O_CLOEXEC`, and closes them before it returns. No descriptor stays open: it would show this
//!   process to its forked children. Where `/proc` is missing or no descriptor is free,
//!   [`How::Auto`] clears everything.
//! - It is right for any memory. What is dropped is zero afterwards only in an anonymous private
//!   mapping: a file's page comes back with the file's bytes, even if it was written meanwhile and
//!   so looks anonymous; shared memory keeps what it holds; hugetlbfs rounds to its own pages. So
//!   the system is asked each time what is mapped. What is not anonymous and private is cleared.
//! - What is swapped out was touched. [`How::Auto`] drops it: to clear it, it would be read first.
//! - A range may begin or end within a huge page, or within a page of the system where that is
//!   larger than [`Page`]: nothing outside is changed.
//! - Locked memory (`mlock`) the system does not drop: [`How::Auto`] clears it, and to force
//!   [`How::Discard`] is an error.
//! - Where the system does not do what it says, or tells of other memory than ours, as emulators of
//!   another machine may, one trial finds that out. What cannot be told is cleared.
//!
//! Not known to it is that somebody else fills the missing pages (`userfaultfd`), or that a device
//! holds on to those that are there (registered buffers of `io_uring`, VFIO): such memory has to be
//! cleared.
//!
//! # The break-even
//! Microseconds for the reset, and behind it for the reset and for touching the same pages again:
//! on Linux 6.18 on an AMD EPYC (Zen 5, in a virtual machine), from memory of which a share was
//! touched before, at random. `cargo bench --bench reset` measures your machine, and prints more
//! sizes and shares. The figures do not include opening files: that adds 7 us to `ClearTouched` and
//! 3 us to `Discard`, or 3 us and nothing with [`reset_anonymous`] (measured on one CPU).
//!
//! | pages | touched | `Clear` | `ClearTouched` | `Discard` |
//! |---|---|---|---|---|
//! | 64 KiB, small | 10 % | 18; 18 | 1.8; 1.8 | 2.4; 5.2 |
//! | | 100 % | 0.40; 0.43 | 2.3; 2.3 | 6.5; 25 |
//! | 1 MiB, small | 10 % | 325; 325 | 3.1; 3.2 | 7.5; 42 |
//! | | 90 % | 43; 44 | 12; 13 | 55; 329 |
//! | | 100 % | 6.3; 7.8 | 12; 13 | 61; 363 |
//! | 64 MiB, small | 10 % | 24 300; 24 300 | 191; 223 | 413; 2400 |
//! | | 100 % | 962; 1210 | 1090; 1350 | 4380; 25 800 |
//! | 2 MiB, huge | 100 % | 14; 17 | 16; 19 | 8.6; 38 |
//! | 64 MiB, huge | 10 % | 3720; 3750 | 160; 184 | 26; 167 |
//! | | 100 % | 949; 1180 | 970; 1210 | 197; 2620 |
//!
//! `Auto` takes what `ClearTouched` takes; with [`Next::Idle`], on huge pages, what `Discard` takes
//! and some microseconds to see which were touched.
//!
//! - To fault in a small page takes as long as to clear 40. So to look at what was touched pays as
//!   soon as a few pages were not. If all were, the look is lost. Measured on one CPU:
//!
//!   | size | the look, nothing touched | all touched | pays if untouched |
//!   |---|---|---|---|
//!   | 64 KiB | 8.2 us | 8.5 us | 43 % |
//!   | 256 KiB | 8.1 us | 9.0 us | 10 % |
//!   | 1 MiB | 8.5 us | 13 us | 4 % |
//!
//!   Each of the two files takes 3 us to open and to close. [`reset_anonymous`] opens one, and its
//!   look pays if 11 % of 128 KiB are untouched. So [`How::Auto`] looks from 256 KiB on, with
//!   [`reset_anonymous`] from 128 KiB on, and before Linux 6.11, where [`reset`] and [`reset_raw`]
//!   have to read all of `/proc/self/maps`, from 4 MiB on. If every page was touched,
//!   [`How::Clear`] is fastest.
//! - To drop a small page takes longer than to clear it, so [`How::Auto`] never does, whatever is
//!   [`Next`]. Who wants the memory to be free for others forces [`How::Discard`].
//! - To drop a huge page takes a fifth to two thirds of the time of clearing it, and to fault one
//!   in again three to thirteen times as long as to drop it. So it pays if less than 24 % of 2 MiB
//!   will be used again, 38 % of 8 MiB, 32 % of 64 MiB: that is what [`Next`] asks.
//!
//! On other systems than Linux all of it is cleared, and only that can be forced.

use std::fmt;
use std::io;
use std::ptr::NonNull;

use crate::intent::Intent;
use crate::page::Page;
#[cfg(any(target_os = "linux", target_os = "android"))]
use crate::page::{PAGE_SHIFT, PAGE_SIZE};
use crate::raw;

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;

/// The parsers, for the fuzzer.
#[cfg(all(fuzzing, any(target_os = "linux", target_os = "android")))]
#[doc(hidden)]
pub use linux::{survey_self, survey_text, touched_runs};

/// A way to make memory zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum How {
    /// What is cheapest, [as measured](self#the-break-even). On other systems than Linux it is
    /// `Clear`.
    #[default]
    Auto,
    /// Clears all of it, which faults in what was never touched. Any memory, any system.
    Clear,
    /// Clears what was touched since it was mapped or dropped, and leaves the rest alone.
    #[doc(alias = "PAGEMAP_SCAN")]
    ClearTouched,
    /// Has the system drop the pages: the memory is free for others until it is touched again.
    #[doc(alias = "MADV_DONTNEED")]
    Discard,
}

impl How {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Clear, Self::ClearTouched, Self::Discard];
}

/// What will be done with the memory, which decides whether it pays to keep it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Next {
    /// More than a quarter of what was touched will be touched again: it is kept.
    #[default]
    Used,
    /// Less will: it may be given back.
    Idle,
}

/// What was done, in pages. The three make up the range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Done {
    /// Pages that stores made zero.
    pub cleared: usize,
    /// Pages that the system was told to drop, whether or not they had been touched.
    pub discarded: usize,
    /// Pages that were as fresh and were left alone.
    pub untouched: usize,
}

/// Why nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResetError {
    /// Part of the range is not mapped.
    Unmapped,
    /// Part of the range is mapped without the right to read and write.
    Protected,
    /// Part of the range is a file's, is shared with others, or is of hugetlbfs: only clearing
    /// makes it zero.
    NotAnonymous,
    /// The memory is locked (`mlock`): the system does not drop it.
    Locked,
    /// This way is not to be had here.
    Unavailable {
        /// What is missing.
        reason: &'static str,
    },
    /// The system refused it.
    Refused(io::ErrorKind),
}

impl fmt::Display for ResetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unmapped => f.write_str("part of the range is not mapped"),
            Self::Protected => f.write_str("part of the range may not be read and written"),
            Self::NotAnonymous => f.write_str(
                "part of the range maps a file, shared memory or hugetlbfs: it can only be cleared",
            ),
            Self::Locked => f.write_str("the memory is locked: it cannot be dropped"),
            Self::Unavailable { reason } => write!(f, "not available: {reason}"),
            Self::Refused(kind) => write!(f, "the system refused: {kind}"),
        }
    }
}

impl std::error::Error for ResetError {}

impl From<ResetError> for io::Error {
    fn from(error: ResetError) -> Self {
        let kind = match error {
            ResetError::Unavailable { .. } => io::ErrorKind::Unsupported,
            ResetError::Refused(kind) => kind,
            _ => io::ErrorKind::InvalidInput,
        };
        Self::new(kind, error)
    }
}

/// What the caller promises of a range, and so what need not be asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// That it may be written if it is mapped so.
    Owned,
    /// That it is valid for reads and writes.
    Valid,
    /// That it is an anonymous private mapping, too.
    Anonymous,
}

/// Makes all pages zero; returns what that took.
///
/// # Errors
/// [`How::Auto`] and [`How::Clear`]: never. The others: the memory is not anonymous and private, or
/// locked; or the system does not tell, or has no such way. Nothing was changed then.
pub fn reset(pages: &mut [Page], how: How, next: Next) -> Result<Done, ResetError> {
    let (page, npages) = (NonNull::from(&mut *pages).cast(), pages.len());
    // SAFETY: a slice is valid for reads and writes of all its pages, and nobody else's meanwhile.
    unsafe { run(page, npages, how, next, Known::Valid) }
}

/// [`reset`] on a pointer; 0 pages are a no-op, of any pointer.
///
/// The system is asked whether all of the range is mapped and may be written, whatever the way and
/// however short the range. That is 4 microseconds on Linux 6.11 and newer; before that it means to
/// read `/proc/self/maps`, some tens of microseconds and more where there are many mappings.
///
/// # Safety
/// - `page` is aligned to a page, and `npages` pages are no more than `isize::MAX` bytes.
/// - What is mapped there is the caller's, and nobody else reads or writes it meanwhile.
/// - Where there is no `/proc`, and on other systems than Linux: the pages are valid for reads and
///   writes. Guard regions (`MADV_GUARD_INSTALL`) are never told of: they count as not valid.
///
/// # Errors
/// [`ResetError::Unmapped`] and [`ResetError::Protected`], and those of [`reset`].
pub unsafe fn reset_raw(
    page: NonNull<Page>,
    npages: usize,
    how: How,
    next: Next,
) -> Result<Done, ResetError> {
    // SAFETY: the caller's promise.
    unsafe { run(page, npages, how, next, Known::Owned) }
}

/// [`reset_raw`] without asking what is mapped: for allocators, who know.
///
/// # Safety
/// - `page` is aligned to a page, and `npages` pages are no more than `isize::MAX` bytes.
/// - The pages are valid for reads and writes, and nobody else reads or writes them meanwhile.
/// - They are of anonymous private mappings (`MAP_PRIVATE | MAP_ANONYMOUS`, not `MAP_HUGETLB`).
///   Where they are not, the memory is not zero afterwards.
///
/// # Errors
/// Those of [`reset`].
pub unsafe fn reset_anonymous(
    page: NonNull<Page>,
    npages: usize,
    how: How,
    next: Next,
) -> Result<Done, ResetError> {
    // SAFETY: the caller's promise.
    unsafe { run(page, npages, how, next, Known::Anonymous) }
}

/// Makes `len` bytes zero, at any address, without faulting in pages that were never touched.
///
/// For an allocator that wipes blocks when they are freed: a long block of which little was used
/// would otherwise be faulted in by its wipe, and so could run the system out of memory. The pages
/// that were touched and the bytes of pages that the range shares with others are cleared. In
/// anonymous private memory, pages that are swapped out are dropped, and all others are left alone.
/// Everything is cleared:
/// - in blocks that are too short for a look to pay, [as for `reset`](self#the-break-even);
/// - in other memory than anonymous private: files, shared memory, hugetlbfs;
/// - where the system does not report what was touched;
/// - on other systems than Linux and Android.
///
/// It may be called from within `dealloc`: it does not allocate, takes no lock and does not panic.
///
/// The system calls are `openat`, `ioctl`, `read`, `pread64`, `close` and `madvise`, and for a trial
/// at the first long block `mmap`, `munlock` and `munmap`. A sandbox that ends a process for one of
/// them has to allow it; if they fail, everything is cleared.
///
/// ```
/// let mut block = vec![0_u8; 1 << 24];
/// block[12_345] = 1;
/// // SAFETY: the bytes of a vector that nobody else refers to.
/// unsafe { clearpage::reset::wipe(block.as_mut_ptr(), block.len()) };
/// assert_eq!(block[12_345], 0);
/// ```
///
/// # Safety
/// - `ptr` is valid for reads and writes of `len` bytes, which are no more than `isize::MAX`; if
///   `len` is 0 it may be anything.
/// - Nobody else reads or writes the bytes meanwhile.
/// - Fresh pages of the memory are zero: no `userfaultfd` fills them.
pub unsafe fn wipe(ptr: *mut u8, len: usize) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    // At least a page, so that the bytes before the first whole page are in the range.
    if len >= linux::worth_a_look(Known::Valid) {
        let before = ptr.addr().wrapping_neg() & (PAGE_SIZE - 1);
        let npages = (len - before) >> PAGE_SHIFT;
        let behind = before + (npages << PAGE_SHIFT);
        // SAFETY: three parts of the range, of which the second is whole pages.
        unsafe {
            raw::zero_bytes(ptr, before, Intent::Auto);
            linux::wipe(NonNull::new_unchecked(ptr.add(before).cast()), npages);
            raw::zero_bytes(ptr.add(behind), len - behind, Intent::Auto);
        }
        return;
    }
    // SAFETY: the caller's promise.
    unsafe { raw::zero_bytes(ptr, len, Intent::Auto) }
}

/// What the three faces do.
///
/// # Safety
/// As [`reset_raw`], and `known` holds.
unsafe fn run(
    page: NonNull<Page>,
    npages: usize,
    how: How,
    next: Next,
    known: Known,
) -> Result<Done, ResetError> {
    if npages == 0 {
        return Ok(Done::default());
    }
    debug_assert!(page.is_aligned(), "reset: {page:p} is not page-aligned");
    #[cfg(any(target_os = "linux", target_os = "android"))]
    // SAFETY: the caller's promise.
    return unsafe { linux::run(page, npages, how, next, known) };
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    match (how, next, known) {
        // SAFETY: the caller's promise.
        (How::Auto | How::Clear, ..) => Ok(unsafe { clear(page, npages) }),
        _ => Err(ResetError::Unavailable { reason: "of this system only clearing is known" }),
    }
}

/// Clears all pages.
///
/// # Safety
/// `page` is aligned to a page and valid for writes of `npages` pages.
unsafe fn clear(page: NonNull<Page>, npages: usize) -> Done {
    // SAFETY: the caller's promise.
    unsafe { raw::clear_pages(page, npages) };
    Done { cleared: npages, ..Done::default() }
}
