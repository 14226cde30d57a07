//! Asks Linux about a range, and selects the method by the answer.

mod maps;
mod pagemap;
mod release;
mod sweep;
mod trial;

use std::ffi::{CStr, c_void};
use std::fs::File;
use std::ptr::NonNull;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use self::maps::Survey;
pub(crate) use self::release::works as drops;
use super::{Known, Method, ResetError, Reuse, Summary, clear};
use clearpage::highmem::tag;
use clearpage::{PAGE_SHIFT, Page, checks};

/// Opens a file of `/proc/self` for the current call. A cached descriptor would show this process
/// to its forked children, and its number could be reused for a file of another process.
///
/// Allocates nothing, unlike [`File::open`] on a long path.
fn open(path: &CStr) -> Option<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).ok().map(File::from)
}

/// Returns whether this error of an ioctl means that the kernel does not know the request, and
/// never will. Other errors, such as a lack of memory, concern this one call.
fn is_unknown(error: Errno) -> bool {
    error == Errno::NOTTY
}

/// Describes a range by its pointer, and by its addresses as the kernel reports them.
#[derive(Clone, Copy)]
struct Range {
    page: NonNull<Page>,
    npages: usize,
    start: usize,
    end: usize,
}

impl Range {
    fn new(page: NonNull<Page>, npages: usize) -> Self {
        // The CPU ignores a tag; the files in /proc do not.
        let start = tag::strip(page.as_ptr()).addr();
        Self { page, npages, start, end: start.saturating_add(npages << PAGE_SHIFT) }
    }

    /// Returns whether the pointer has a tag. The memory may then have tags too. Fresh memory has
    /// none, so this pointer could no longer access it.
    fn is_tagged(self) -> bool {
        self.start != self.page.addr().get()
    }

    /// Returns the pointer to `address`, which is in the range or its end.
    fn pointer(self, address: usize) -> *mut c_void {
        self.page.as_ptr().cast::<c_void>().wrapping_byte_add(address - self.start)
    }

    /// Returns the index of the page at `address`, which is in the range or its end.
    fn index(self, address: usize) -> usize {
        (address - self.start) >> PAGE_SHIFT
    }
}

/// Returns the part of `start..end` from the first to the last multiple of `unit`, a power of two;
/// it is empty if there are fewer than two.
fn whole(start: usize, end: usize, unit: usize) -> std::ops::Range<usize> {
    let first = start.checked_next_multiple_of(unit).unwrap_or(end).min(end);
    first..(end & !(unit - 1)).max(first)
}

/// Returns the length from which on a check for touched pages pays off, by the break-even in the
/// documentation of the module: it opens one file of /proc/self, or two, or reads all mappings.
pub(crate) fn check_pays_from(known: Known) -> usize {
    match known {
        Known::Anonymous => 128 << 10,
        Known::Owned | Known::Valid if maps::answers() => 256 << 10,
        Known::Owned | Known::Valid => 4 << 20,
    }
}

/// Returns whether all of a valid range is known to be anonymous and private. Errors are ignored:
/// for a pointer that an emulator made, the kernel may report a valid range as invalid.
fn is_anonymous(range: Range) -> bool {
    matches!(maps::survey(range, false), Ok(Some(Survey { anonymous: true, .. })))
}

/// Zeroes all pages, and skips those that were never touched if the system reports them.
///
/// # Safety
/// `page` is aligned to a page, the pages are valid for writes, and nothing else accesses them.
pub(crate) unsafe fn wipe(page: NonNull<Page>, npages: usize) {
    let range = Range::new(page, npages);
    checks::check_write(page.as_ptr().cast(), npages << PAGE_SHIFT);
    // SAFETY: the caller's promise; only anonymous memory is dropped or skipped.
    unsafe {
        if is_anonymous(range) {
            sweep::cheapest(range, Reuse::Likely);
        } else {
            clear(page, npages);
        }
    }
}

/// Zeroes a range by `method`, after the checks that `known` leaves necessary.
///
/// # Safety
/// The promises of [`raw::reset`](crate::raw::reset), `npages` is not 0, and `known` holds.
pub(crate) unsafe fn run(
    page: NonNull<Page>,
    npages: usize,
    method: Method,
    known: Known,
) -> Result<Summary, ResetError> {
    let range = Range::new(page, npages);
    let check = match method {
        Method::Auto(_) => npages << PAGE_SHIFT >= check_pays_from(known),
        Method::Clear => false,
        Method::ClearTouched | Method::Discard => true,
    };
    let anonymous = match known {
        Known::Anonymous => true,
        Known::Valid if !check => false,
        Known::Valid if matches!(method, Method::Auto(_)) => is_anonymous(range),
        Known::Owned | Known::Valid => match (method, maps::survey(range, false)?) {
            (Method::Auto(_) | Method::Clear, survey) => {
                survey.is_some_and(|survey| survey.anonymous)
            }
            (_, None) => return Err(maps::UNAVAILABLE),
            (_, Some(Survey { anonymous: false, .. })) => return Err(ResetError::NotAnonymous),
            // A single mapping is dropped whole, or not at all with an error.
            (Method::ClearTouched, _) | (Method::Discard, Some(Survey { mappings: 1, .. })) => true,
            _ => match maps::survey(range, true)? {
                Some(Survey { locked: true, .. }) => return Err(ResetError::Locked),
                _ => true,
            },
        },
    };
    // Pages that are dropped, or skipped because they are zero, count as written too.
    checks::check_write(page.as_ptr().cast(), npages << PAGE_SHIFT);
    // SAFETY: the caller owns the range, which is valid by promise or by the kernel's report; only
    // anonymous memory is dropped or skipped.
    unsafe {
        match method {
            Method::Auto(reuse) if check && anonymous => Ok(sweep::cheapest(range, reuse)),
            Method::Auto(_) | Method::Clear => Ok(clear(page, npages)),
            Method::ClearTouched => sweep::touched(range),
            Method::Discard => release::discard(range),
        }
    }
}

#[cfg(fuzzing)]
pub use self::{
    maps::{survey_self, survey_text},
    pagemap::touched_runs,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_unknown_request_is_never_repeated() {
        assert!(is_unknown(Errno::NOTTY));
        for error in [Errno::NOMEM, Errno::INTR, Errno::PERM, Errno::SRCH, Errno::INVAL] {
            assert!(!is_unknown(error), "{error}");
        }
    }

    #[test]
    fn whole_units_are_inside_the_range() {
        assert_eq!(whole(0x1000, 0x5000, 0x1000), 0x1000..0x5000);
        assert_eq!(whole(0x1000, 0x5000, 0x2000), 0x2000..0x4000);
        assert!(whole(0x1000, 0x3000, 0x4000).is_empty());
        assert!(whole(0x1000, 0x4000, 0x4000).is_empty());
        assert!(whole(usize::MAX - 0xfff, usize::MAX, 0x2000).is_empty());
    }
}
