//! Returns memory to the system: has the kernel drop pages.

use std::ffi::c_void;
use std::io;
use std::ops::Range as Addresses;
use std::ptr::without_provenance_mut;

use rustix::io::Errno;
use rustix::mm::{Advice, madvise};
use rustix::param::page_size;

use super::super::{ResetError, Summary, clear};
use super::maps::{self, Survey};
use super::trial::{Trial, Verdict};
use super::{Range, whole};
use crate::HUGE;
use clearpage::{PAGE_SHIFT, PAGE_SIZE};

/// Returns whether dropped pages are really gone: some emulators report success but do nothing.
pub(crate) fn works() -> bool {
    static VERDICT: Verdict = Verdict::new();
    VERDICT.get(|trial| {
        trial.touch();
        // SAFETY: the pages belong to the trial, and are not referenced.
        let dropped = unsafe { drop_pages(trial.page(0), Trial::PAGES * page_size()) };
        dropped.is_ok() && trial.is_zero()
    })
}

/// Drops whole system pages. If they are in one mapping, an error means that none was dropped.
///
/// # Safety
/// The pages are anonymous, and the caller may change them.
pub(super) unsafe fn drop_pages(start: *mut c_void, len: usize) -> Result<(), Errno> {
    // SAFETY: the caller's promise.
    unsafe { madvise(start, len, Advice::LinuxDontNeed) }
}

/// Returns whether `part` of one mapping is locked, if that is visible without changing anything:
/// from Linux 5.4 on, `MADV_COLD` fails on locked memory.
pub(super) fn is_locked(part: Addresses<usize>) -> bool {
    // Marking a part of a huge page as cold would split it.
    let huge = whole(part.start, part.end, HUGE);
    let (start, len) = match huge.len() {
        HUGE.. => (huge.start, HUGE),
        _ => (part.start & !(page_size() - 1), page_size()),
    };
    // SAFETY: this advice changes no contents.
    let cold = |len| unsafe { madvise(without_provenance_mut(start), len, Advice::LinuxCold) };
    // If the kernel knows the advice, it accepts an empty range.
    cold(len) == Err(Errno::INVAL) && cold(0).is_ok()
}

/// Returns the unit in which pages can be dropped and counted.
pub(super) fn unit() -> usize {
    page_size().max(PAGE_SIZE)
}

/// Drops the whole system pages of a range, and clears the rest.
///
/// # Safety
/// The range is anonymous, valid for writes and owned by the caller.
pub(super) unsafe fn discard(range: Range) -> Result<Summary, ResetError> {
    if !works() {
        return Err(ResetError::Unavailable { reason: "MADV_DONTNEED does nothing here" });
    }
    let drop_pages = |start, len| {
        // SAFETY: the caller's promise.
        unsafe { drop_pages(start, len) }.map_err(|error| match error {
            Errno::INVAL => ResetError::Locked,
            _ => refused(error),
        })
    };
    // SAFETY: the caller's promise.
    match unsafe { release(range, unit(), drop_pages) } {
        Err(error @ (ResetError::Locked | ResetError::Refused(_))) => {
            match maps::survey(range, false) {
                Ok(Some(Survey { mappings: 1, .. })) => Err(error),
                // Some mappings may have been dropped, so all of the range must become zero.
                // SAFETY: the caller's promise.
                _ => Ok(unsafe { clear(range.page, range.npages) }),
            }
        }
        done => done,
    }
}

fn refused(error: Errno) -> ResetError {
    ResetError::Refused(io::Error::from_raw_os_error(error.raw_os_error()).kind())
}

/// Frees whole units of the range by `free`, all or none, and clears the rest.
///
/// # Safety
/// The promises of [`discard`].
unsafe fn release(
    range: Range,
    unit: usize,
    free: impl FnOnce(*mut c_void, usize) -> Result<(), ResetError>,
) -> Result<Summary, ResetError> {
    if range.is_tagged() {
        let reason = "the pointer has a tag, and fresh memory would have none";
        return Err(ResetError::Unavailable { reason });
    }
    let part = whole(range.start, range.end, unit);
    if !part.is_empty() {
        free(range.pointer(part.start), part.len())?;
    }
    let (before, after) = (range.index(part.start), range.index(part.end));
    // SAFETY: both parts are pages of the range, which is valid by the caller's promise.
    let ends =
        unsafe { [clear(range.page, before), clear(range.page.add(after), range.npages - after)] };
    Ok(Summary {
        cleared: ends[0].cleared + ends[1].cleared,
        discarded: part.len() >> PAGE_SHIFT,
        untouched: 0,
    })
}

#[cfg(test)]
mod tests {
    use std::ptr::NonNull;

    use super::*;
    use clearpage_testkit::Garbage;

    /// Simulates a system whose pages are 16 of ours: parts of them are cleared, and their pages
    /// outside of the range are unchanged.
    #[test]
    fn whole_units_are_released_and_the_rest_is_cleared() {
        const UNIT: usize = 16 * PAGE_SIZE;
        let mut garbage = Garbage::new(100 * PAGE_SIZE);
        let start = garbage.pages(100).as_ptr().addr();
        let boundary = (start.next_multiple_of(UNIT) - start) / PAGE_SIZE;
        for (at, npages, discarded) in
            [(0, 48, 48), (1, 47, 32), (0, 47, 32), (15, 18, 16), (1, 30, 0), (3, 5, 0)]
        {
            for error in [None, Some(ResetError::Locked)] {
                let first = boundary + at;
                let pages = &mut garbage.pages(100)[first..first + npages];
                let range = Range::new(NonNull::from(pages).cast(), npages);
                let free = |start: *mut c_void, len| {
                    assert!(start.addr() % UNIT == 0 && len == discarded * PAGE_SIZE && len > 0);
                    error.map_or(Ok(()), Err)?;
                    // SAFETY: the bytes are part of the range.
                    unsafe { start.write_bytes(0, len) };
                    Ok(())
                };
                // SAFETY: the range consists of pages of the garbage.
                let released = unsafe { release(range, UNIT, free) };
                let expected = match error {
                    Some(error) if discarded > 0 => Err(error),
                    _ => Ok(Summary { cleared: npages - discarded, discarded, untouched: 0 }),
                };
                assert_eq!(released, expected, "{npages} pages from page {at} on");
                let in_range = |i| released.is_ok() && (first..first + npages).contains(&i);
                let zero: Vec<bool> = (0..100).map(in_range).collect();
                garbage.check_pages(&zero, &format_args!("{npages} pages from page {at} on"));
            }
        }
    }
}
