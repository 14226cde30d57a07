//! Giving pages back: having the kernel drop them.

use std::ffi::c_void;
use std::io;
use std::ops::Range as Addresses;
use std::ptr::without_provenance_mut;

use rustix::io::Errno;
use rustix::mm::{Advice, madvise};
use rustix::param::page_size;

use super::super::super::HUGE;
use super::super::{Done, ResetError, clear};
use super::maps::{self, Survey};
use super::trial::{Trial, Verdict};
use super::{Range, whole};
use crate::page::{PAGE_SHIFT, PAGE_SIZE};

/// Whether what the system is told to drop is gone: emulators may say that it is, and do nothing.
pub(super) fn works() -> bool {
    static VERDICT: Verdict = Verdict::new();
    VERDICT.get(|trial| {
        trial.touch();
        // SAFETY: the trial's pages, to which nobody refers.
        let told = unsafe { drop_pages(trial.page(0), Trial::PAGES * page_size()) };
        told.is_ok() && trial.is_zero()
    })
}

/// Has whole pages of the system dropped. If they are of one mapping, an error is that none was.
///
/// # Safety
/// They are anonymous, and the caller's to change.
pub(super) unsafe fn drop_pages(start: *mut c_void, len: usize) -> Result<(), Errno> {
    // SAFETY: the caller's promise.
    unsafe { madvise(start, len, Advice::LinuxDontNeed) }
}

/// Whether `part`, of one mapping, is locked, as far as the system tells without a change: from
/// Linux 5.4 on it refuses to call locked memory cold.
pub(super) fn is_locked(part: Addresses<usize>) -> bool {
    // A huge page would be split to have a part of it cold.
    let huge = whole(part.start, part.end, HUGE);
    let (start, len) = match huge.len() {
        HUGE.. => (huge.start, HUGE),
        _ => (part.start & !(page_size() - 1), page_size()),
    };
    // SAFETY: this advice changes no content.
    let cold = |len| unsafe { madvise(without_provenance_mut(start), len, Advice::LinuxCold) };
    // A kernel that knows the advice takes it for no bytes.
    cold(len) == Err(Errno::INVAL) && cold(0).is_ok()
}

/// The unit in which pages can be given back, and counted.
pub(super) fn unit() -> usize {
    page_size().max(PAGE_SIZE)
}

/// Has a range dropped.
///
/// # Safety
/// The range is anonymous, valid for writes and the caller's.
pub(super) unsafe fn discard(range: Range) -> Result<Done, ResetError> {
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
                // Some of them may be gone, and then all have to go.
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

/// Has `free` make whole units fresh, all or none, and clears what is left of the range.
///
/// # Safety
/// As [`discard`].
unsafe fn release(
    range: Range,
    unit: usize,
    free: impl FnOnce(*mut c_void, usize) -> Result<(), ResetError>,
) -> Result<Done, ResetError> {
    if range.is_tagged() {
        let reason = "the pointer has a tag, and fresh memory would have none";
        return Err(ResetError::Unavailable { reason });
    }
    let part = whole(range.start, range.end, unit);
    if !part.is_empty() {
        free(range.pointer(part.start), part.len())?;
    }
    let (before, behind) = (range.index(part.start), range.index(part.end));
    // SAFETY: pages of the range, by the caller's promise.
    let ends = unsafe {
        [clear(range.page, before), clear(range.page.add(behind), range.npages - behind)]
    };
    Ok(Done {
        cleared: ends[0].cleared + ends[1].cleared,
        discarded: part.len() >> PAGE_SHIFT,
        untouched: 0,
    })
}

#[cfg(test)]
mod tests {
    use std::ptr::NonNull;

    use super::*;
    use crate::page::Page;

    /// A system whose pages are 16 of ours: what is no whole one of them is cleared, and what lies
    /// beside the range in one of them stays.
    #[test]
    fn whole_units_are_given_back() {
        const UNIT: usize = 16 * PAGE_SIZE;
        let dirty = |pages: &mut [Page]| {
            pages.iter_mut().for_each(|page| page.as_bytes_mut().fill(0xa5));
        };
        let mut pages = vec![Page::ZERO; 100];
        let boundary = pages.as_ptr().addr().next_multiple_of(UNIT);
        let boundary = (boundary - pages.as_ptr().addr()) / PAGE_SIZE;
        for (at, npages, discarded) in
            [(0, 48, 48), (1, 47, 32), (0, 47, 32), (15, 18, 16), (1, 30, 0), (3, 5, 0)]
        {
            for error in [None, Some(ResetError::Locked)] {
                dirty(&mut pages);
                let page = NonNull::from(&mut pages[boundary + at]);
                let range = Range::new(page, npages);
                let free = |start: *mut c_void, len| {
                    assert!(start.addr() % UNIT == 0 && len == discarded * PAGE_SIZE && len > 0);
                    error.map_or(Ok(()), Err)?;
                    // SAFETY: a part of the range.
                    unsafe { start.write_bytes(0, len) };
                    Ok(())
                };
                // SAFETY: pages of this vector.
                let done = unsafe { release(range, UNIT, free) };
                let expected = match error {
                    Some(error) if discarded > 0 => Err(error),
                    _ => Ok(Done { cleared: npages - discarded, discarded, untouched: 0 }),
                };
                assert_eq!(done, expected, "{npages} pages from page {at} on");
                let first = boundary + at;
                for (i, page) in pages.iter().enumerate() {
                    let zero = done.is_ok() && (first..first + npages).contains(&i);
                    let byte = if zero { 0 } else { 0xa5 };
                    assert!(page.as_bytes().iter().all(|&b| b == byte), "page {i}: {done:?}");
                }
            }
        }
    }
}
