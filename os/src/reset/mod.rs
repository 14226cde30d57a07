//! Zeroes used memory by the cheapest method: clearing it, or having the kernel drop its pages.
//!
//! [`Method`] lists three methods: clearing everything; clearing only the pages that were touched, as
//! the kernel reports them; having the kernel drop the pages, so that the next touch faults in fresh
//! ones. [`reset`] selects one by the size of the range, by the touched pages and by [`Reuse`],
//! because a dropped page has to be faulted in again when it is used. [`raw::wipe`](crate::raw::wipe)
//! takes any bytes and may be called from within an allocator.
//!
//! ```
//! use clearpage::Page;
//! use clearpage_os::reset::{Reuse, reset};
//!
//! let mut pages = vec![Page::ZERO; 1024];
//! pages[7].as_bytes_mut()[9] = 1;
//! let summary = reset(&mut pages, Reuse::Likely);
//! assert_eq!(summary.cleared + summary.discarded + summary.untouched, 1024);
//! assert_eq!(pages[7].as_bytes()[9], 0);
//! ```
//!
//! # Guarantees
//! - `Ok`: the whole range is zero. `Err`: the range is unchanged.
//! - Nothing is allocated, so an allocator may call these functions.
//! - A call that asks the kernel opens `/proc/self/maps`, `/proc/self/pagemap` or both with
//!   `O_CLOEXEC`, and closes them before it returns. A descriptor that stayed open would show this
//!   process to its forked children. If `/proc` is missing or no descriptor is free,
//!   [`Method::Auto`] clears everything.
//! - Any memory is handled correctly. A dropped page is zero afterwards only in an anonymous
//!   private mapping: a file's page returns with the file's bytes, even if a write made it look
//!   anonymous; shared memory keeps its contents; hugetlbfs rounds to its own page size. So each
//!   call except [`reset_anonymous`](crate::raw::reset_anonymous) asks what is mapped before it
//!   drops or skips pages, and [`Method::Auto`] clears what is not anonymous and private.
//! - Swapped-out pages were touched. [`Method::Auto`] drops them: clearing would read them first.
//! - A range may begin or end within a huge page, or within a page of the system that is larger
//!   than [`Page`]. Memory outside of the range is unchanged.
//! - Linux does not drop locked memory (`mlock`). [`Method::Auto`] clears it. [`Method::Discard`] is
//!   an error, or clears a range of several mappings in which no lock was found.
//! - Emulators of another machine may ignore a request that they accept, or report on memory that
//!   is not the guest's. One trial detects this; [`Method::Auto`] then clears instead.
//!
//! This module cannot detect that `userfaultfd` fills missing pages, or that a device still uses
//! present ones (registered buffers of `io_uring`, VFIO). Such memory has to be cleared.
//!
//! # The break-even
//! Times in microseconds: for the reset; and for the reset and touching the same pages again.
//! Measured on Linux 6.18 on an AMD EPYC (Zen 5, in a virtual machine), after the given share of
//! the pages was touched, at random. `cargo bench --bench reset` measures your machine.
//!
//! | pages | touched | `Clear` | `ClearTouched` | `Discard` |
//! |---|---|---|---|---|
//! | 1 MiB, small | 10 % | 325; 325 | 3.1; 3.2 | 7.5; 42 |
//! | | 100 % | 6.3; 7.8 | 12; 13 | 61; 363 |
//! | 64 MiB, small | 10 % | 24 300; 24 300 | 191; 223 | 413; 2400 |
//! | | 100 % | 962; 1210 | 1090; 1350 | 4380; 25 800 |
//! | 64 MiB, huge | 10 % | 3720; 3750 | 160; 184 | 26; 167 |
//! | | 100 % | 949; 1180 | 970; 1210 | 197; 2620 |
//!
//! [`Method::Auto`] takes as long as `ClearTouched`. On huge pages with [`Reuse::Unlikely`] it takes
//! as long as `Discard`, and some microseconds more to find the touched pages.
//!
//! - Faulting in a small page takes as long as clearing 40. So checking which pages were touched
//!   pays off as soon as a few were not: 10 % of 256 KiB, 4 % of 1 MiB. The check takes 8 to 13 us,
//!   of which opening and closing two files takes 6; with
//!   [`reset_anonymous`](crate::raw::reset_anonymous) it opens one. So [`Method::Auto`] checks from
//!   256 KiB on, and from 128 KiB on with `reset_anonymous`. Before Linux 6.11, [`reset`] and
//!   [`raw::reset`](crate::raw::reset) have to read all of `/proc/self/maps`, and check from 4 MiB
//!   on. If every page was touched, [`Method::Clear`] is fastest.
//! - Dropping a small page takes longer than clearing it, so [`Method::Auto`] drops only swapped-out
//!   ones, regardless of [`Reuse`]. To free the memory for others, force [`Method::Discard`].
//! - Dropping a huge page takes a fifth to two thirds of the time of clearing it, and faulting it
//!   in again three to thirteen times as long as dropping it. So dropping pays off if less than a
//!   quarter of the memory will be used again. [`Reuse`] states this.
//!
//! # Systems other than Linux
//! Everything is cleared, and the other methods are unavailable, because no call of these systems
//! guarantees zeroes. `MADV_FREE`, `MADV_DONTNEED` of macOS and the BSDs, and `MEM_RESET` of Windows
//! may keep the contents; `DiscardVirtualMemory` leaves them undefined. Windows returns zeroes after
//! `MEM_DECOMMIT` and `MEM_COMMIT`, but if the second fails, the memory is gone.

use std::fmt;
use std::io;
use std::ptr::NonNull;

use clearpage::{Page, raw};

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) mod linux;

/// Exports the parsers for the fuzzer.
#[cfg(all(fuzzing, any(target_os = "linux", target_os = "android")))]
#[doc(hidden)]
pub use linux::{survey_self, survey_text, touched_runs};

/// A method of zeroing memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Selects the cheapest method, [as measured](self#the-break-even). On systems other than
    /// Linux this is `Clear`.
    Auto(Reuse),
    /// Clears everything, and so faults in untouched pages. Works for any memory on any system.
    Clear,
    /// Clears the pages touched since they were mapped or dropped, and skips the rest.
    #[doc(alias = "PAGEMAP_SCAN")]
    ClearTouched,
    /// Has the system drop the pages: the memory is free for others until it is touched again.
    #[doc(alias = "MADV_DONTNEED")]
    Discard,
}

/// How much of the memory will be used again, which decides whether keeping it pays off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reuse {
    /// More than a quarter of the touched memory will be touched again: it stays resident.
    #[default]
    Likely,
    /// Less of it will be touched again: it may be returned to the system.
    Unlikely,
}

/// Reports what was done, in pages. The sum of the counts is the size of the range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Summary {
    /// Pages that were zeroed by stores.
    pub cleared: usize,
    /// Pages that the system was asked to drop, whether or not they had been touched.
    pub discarded: usize,
    /// Pages that had not been touched and were skipped.
    pub untouched: usize,
}

/// Reports why a reset failed; the range is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResetError {
    /// Part of the range is not mapped.
    Unmapped,
    /// Part of the range is mapped without permission to read and write.
    Protected,
    /// Part of the range maps a file, shared memory or hugetlbfs, which only clearing can zero.
    NotAnonymous,
    /// The memory is locked (`mlock`), so the system does not drop it.
    Locked,
    /// The method is unavailable here.
    Unavailable {
        /// What is missing.
        reason: &'static str,
    },
    /// The system refused the request.
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
            Self::Unavailable { reason } => write!(f, "unavailable: {reason}"),
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

/// Lists what the caller guarantees about a range; each variant includes the ones before it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing else uses the range. It may be unmapped or protected.
    Owned,
    /// The range is valid for reads and writes.
    Valid,
    /// All of the range is in anonymous private mappings.
    Anonymous,
}

/// Zeroes all pages by the cheapest method, as [`Method::Auto`]; returns how many were cleared,
/// dropped and skipped.
pub fn reset(pages: &mut [Page], reuse: Reuse) -> Summary {
    let reset = reset_with(pages, Method::Auto(reuse));
    reset.unwrap_or_else(|error| unreachable!("Auto clears what it cannot drop: {error}"))
}

/// Zeroes all pages by the given method; returns how many were cleared, dropped and skipped.
///
/// # Errors
/// [`Method::Auto`] and [`Method::Clear`] never fail. The others fail if the memory is not anonymous
/// and private, or if the system reports too little or lacks the method; [`Method::Discard`] also
/// fails if the memory is locked. The pages are then unchanged.
pub fn reset_with(pages: &mut [Page], method: Method) -> Result<Summary, ResetError> {
    let (page, npages) = (NonNull::from(&mut *pages).cast(), pages.len());
    // SAFETY: a mutable slice is exclusively borrowed, and valid for reads and writes of its pages.
    unsafe { run(page, npages, method, Known::Valid) }
}

/// Implements [`reset`] and its counterparts in [`raw`](crate::raw).
///
/// # Safety
/// The promises of [`raw::reset`](crate::raw::reset), and `known` holds.
pub(crate) unsafe fn run(
    page: NonNull<Page>,
    npages: usize,
    method: Method,
    known: Known,
) -> Result<Summary, ResetError> {
    if npages == 0 {
        return Ok(Summary::default());
    }
    debug_assert!(page.is_aligned(), "reset: {page:p} is not page-aligned");
    #[cfg(any(target_os = "linux", target_os = "android"))]
    // SAFETY: the caller's promise.
    return unsafe { linux::run(page, npages, method, known) };
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    match (method, known) {
        // SAFETY: the caller promises valid pages on systems other than Linux.
        (Method::Auto(_) | Method::Clear, _) => Ok(unsafe { clear(page, npages) }),
        _ => Err(ResetError::Unavailable { reason: "this system can only clear memory" }),
    }
}

/// Clears all pages.
///
/// # Safety
/// `page` is aligned to a page and valid for writes of `npages` pages.
unsafe fn clear(page: NonNull<Page>, npages: usize) -> Summary {
    // SAFETY: the caller's promise.
    unsafe { raw::clear_pages(page, npages) };
    Summary { cleared: npages, ..Summary::default() }
}
