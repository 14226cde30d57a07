//! What Linux knows of a range, and what is chosen by it.

mod kept;
mod maps;
mod pagemap;
mod release;
mod sweep;
mod trial;

use std::ffi::c_void;
use std::ptr::NonNull;

use self::maps::Survey;
use super::{Done, How, Known, Next, ResetError, clear};
use crate::highmem::tag;
use crate::page::{PAGE_SHIFT, Page};

/// Shorter ranges are cleared without a look at what was touched: the break-even in the
/// documentation of the module.
const WORTH_A_LOOK: usize = 64 << 10;
/// The same where a look means to read `/proc/self/maps`.
const WORTH_READING: usize = 4 << 20;

/// A range, and its addresses as the system has them.
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
        let start = tag::reset(page.as_ptr()).addr();
        Self { page, npages, start, end: start.saturating_add(npages << PAGE_SHIFT) }
    }

    /// Whether the pointer carries a tag. The memory may then have tags too, and fresh memory has
    /// none: through this pointer it could not be read any more.
    fn is_tagged(self) -> bool {
        self.start != self.page.addr().get()
    }

    /// Where `address` is, which is in the range or its end.
    fn pointer(self, address: usize) -> *mut c_void {
        self.page.as_ptr().cast::<c_void>().wrapping_byte_add(address - self.start)
    }

    /// The number of the page that `address` is in, which is in the range or its end.
    fn index(self, address: usize) -> usize {
        (address - self.start) >> PAGE_SHIFT
    }
}

/// From the first to the last multiple of `unit`, a power of two, in `start..end`; empty if there
/// is but one or none.
fn whole(start: usize, end: usize, unit: usize) -> std::ops::Range<usize> {
    let first = start.checked_next_multiple_of(unit).unwrap_or(end).min(end);
    first..(end & !(unit - 1)).max(first)
}

/// Does what is asked for, once it is known that it may be done.
///
/// # Safety
/// As [`super::reset_raw`], there is a page, and `known` holds.
pub(super) unsafe fn run(
    page: NonNull<Page>,
    npages: usize,
    how: How,
    next: Next,
    known: Known,
) -> Result<Done, ResetError> {
    let range = Range::new(page, npages);
    let worth = match known {
        Known::Owned | Known::Valid if !maps::answers() => WORTH_READING,
        _ => WORTH_A_LOOK,
    };
    let look = match how {
        How::Auto => npages << PAGE_SHIFT >= worth,
        How::Clear => false,
        How::ClearTouched | How::Discard | How::Remap => true,
    };
    let anonymous = match known {
        Known::Anonymous => true,
        Known::Valid if !look => false,
        // Valid it is, whatever the system says of a pointer that is none of its own.
        Known::Valid if how == How::Auto => {
            matches!(maps::survey(range, false), Ok(Some(Survey { anonymous: true, .. })))
        }
        Known::Owned | Known::Valid => match (how, maps::survey(range, false)?) {
            (How::Auto | How::Clear, survey) => survey.is_some_and(|survey| survey.anonymous),
            (_, None) => return Err(maps::UNAVAILABLE),
            (_, Some(Survey { anonymous: false, .. })) => return Err(ResetError::NotAnonymous),
            // Of one mapping all is dropped, or none and that is an error; all is mapped anew.
            (How::ClearTouched, _) | (How::Discard, Some(Survey { mappings: 1, .. })) => true,
            _ => match maps::survey(range, true)? {
                Some(Survey { locked: true, .. }) => return Err(ResetError::Locked),
                _ => true,
            },
        },
    };
    // SAFETY: the range is the caller's and valid, by promise or by the system's word; what is not
    // cleared is anonymous.
    unsafe {
        match how {
            How::Auto if look && anonymous => Ok(sweep::cheapest(range, next)),
            How::Auto | How::Clear => Ok(clear(page, npages)),
            How::ClearTouched => sweep::touched(range),
            How::Discard => release::discard(range),
            How::Remap => release::remap(range),
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
    fn whole_units_lie_inside() {
        assert_eq!(whole(0x1000, 0x5000, 0x1000), 0x1000..0x5000);
        assert_eq!(whole(0x1000, 0x5000, 0x2000), 0x2000..0x4000);
        assert!(whole(0x1000, 0x3000, 0x4000).is_empty());
        assert!(whole(0x1000, 0x4000, 0x4000).is_empty());
        assert!(whole(usize::MAX - 0xfff, usize::MAX, 0x2000).is_empty());
    }
}
