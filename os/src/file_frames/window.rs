//! Maps frames of a file temporarily: windows.

use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd};
use std::ptr::{NonNull, null_mut};

use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, ProtFlags, mmap, mmap_anonymous};

use super::{FileError, FileFrames};
use crate::linux::{Mapping as Mapped, READ_WRITE, populate};
use clearpage::highmem::{FrameRange, Highmem, Mapping};
use clearpage::{PAGE_SHIFT, PAGE_SIZE, Page};

/// A temporary mapping of a file's frames. Dropping it unmaps them.
#[derive(Debug)]
pub struct Window<'a> {
    pages: NonNull<[Page]>,
    _mapped: Mapped,
    file: PhantomData<&'a FileFrames>,
}

// SAFETY: the pages are mapped, shared and writable, and at least one. They are in the file when
// they are mapped. If the file is truncated later, a touch raises a signal.
unsafe impl Mapping for Window<'_> {
    fn pages(&self) -> NonNull<[Page]> {
        self.pages
    }
}

/// The range to map for some frames, if mappings are aligned to a unit.
#[derive(Debug, PartialEq, Eq)]
struct Span {
    /// Bytes from the start of the file.
    offset: u64,
    /// Bytes to map.
    len: u64,
    /// Bytes before the first of the frames.
    before: usize,
}

impl Span {
    /// Returns the span of frames that are in a file, whose length is at most `i64::MAX`.
    fn of(frames: FrameRange, unit: usize) -> Self {
        let (first, end) = (frames.start().address(), frames.end() << PAGE_SHIFT);
        let before = first % unit as u64;
        let offset = first - before;
        let len = (end - offset).next_multiple_of(unit as u64);
        Self { offset, len, before: before as usize }
    }
}

/// Maps `frames`, which are in the file, without touching them. Offsets are multiples of `unit`.
pub(super) fn map(
    file: BorrowedFd<'_>,
    frames: FrameRange,
    unit: usize,
) -> Result<Window<'_>, FileError> {
    let Span { offset, len, before } = Span::of(frames, unit);
    // The system aligns mappings to units; our pages may be larger.
    let slack = PAGE_SIZE.saturating_sub(unit);
    let map = |len| {
        let reserve = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: new mappings at an address that the kernel picks; the second one replaces a part
        // of the first, which nothing uses yet.
        unsafe {
            if slack == 0 {
                let start = mmap(null_mut(), len, READ_WRITE, MapFlags::SHARED, file, offset)?;
                return Ok((Mapped::from_raw(start, len), start));
            }
            let start = mmap_anonymous(null_mut(), len + slack, ProtFlags::empty(), reserve)?;
            let mapped = Mapped::from_raw(start, len + slack);
            let first = start.map_addr(|addr| addr.next_multiple_of(PAGE_SIZE));
            mmap(first, len, READ_WRITE, MapFlags::SHARED | MapFlags::FIXED, file, offset)?;
            Ok((mapped, first))
        }
    };
    let len = usize::try_from(len).ok().filter(|&len| len <= isize::MAX as usize - slack);
    let mapped = len.ok_or(Errno::NOMEM).and_then(map);
    let (mapped, start) = mapped.map_err(FileError::system("mmap"))?;
    let first = NonNull::new(start.wrapping_byte_add(before).cast::<Page>());
    let first = first.expect("mmap returns no null pointer");
    debug_assert!(first.is_aligned());
    let pages = NonNull::slice_from_raw_parts(first, frames.npages() as usize);
    Ok(Window { pages, _mapped: mapped, file: PhantomData })
}

impl Window<'_> {
    /// Fills the page table for `npages` pages from page `first` on, and returns an error where a
    /// touch would raise a signal. On kernels without support it does nothing.
    pub(super) fn populate(
        &self,
        first: usize,
        npages: usize,
        advice: Advice,
    ) -> Result<(), FileError> {
        debug_assert!(first + npages <= self.pages.len());
        // SAFETY: the pages are in the window, and populating changes no content.
        let populated = unsafe { populate(self.pages.cast::<Page>().add(first), npages, advice) };
        match populated {
            Ok(_) => Ok(()),
            Err(error) => Err(FileError::System {
                call: "madvise",
                raw_os_error: error.raw_os_error().expect("an error of the system"),
            }),
        }
    }
}

// SAFETY: a window starts at the first frame and maps at most the requested frames. Frames of a
// file follow one another, and two never share a byte.
unsafe impl Highmem for FileFrames {
    type Error = FileError;
    type Mapping<'a> = Window<'a>;

    fn page_address(&self, _: FrameRange) -> Option<NonNull<[Page]>> {
        None
    }

    /// Maps up to the next multiple of the window size, or up to the file's last whole frame. The
    /// pages are present; otherwise it returns a [`FileError`].
    fn kmap_local(&self, frames: FrameRange) -> Result<Window<'_>, FileError> {
        let (requested, _) = frames.split_at(self.window - frames.start().get() % self.window);
        loop {
            let inside = self.inside(requested)?;
            let window = map(self.file.as_fd(), inside, self.unit)?;
            match window.populate(0, inside.npages() as usize, self.populate) {
                Ok(()) => return Ok(window),
                Err(error) if self.inside(requested)? == inside => return Err(error),
                // The file was truncated meanwhile: map the rest.
                Err(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clearpage::highmem::Frame;

    fn frames(start: u64, npages: u64) -> FrameRange {
        FrameRange::new(Frame::new(start).expect("small"), npages).expect("small")
    }

    #[test]
    fn a_mapping_begins_and_ends_at_multiples_of_the_unit() {
        let (page, pages) = (PAGE_SIZE, |n: u64| n << PAGE_SHIFT);
        let span = |start, npages, unit| {
            let Span { offset, len, before } = Span::of(frames(start, npages), unit);
            (offset, len, before)
        };
        for unit in [page, page / 4] {
            assert_eq!(span(3, 5, unit), (pages(3), pages(5), 0));
        }
        // The unit is a larger page of the system, or a huge page.
        for shift in [2, 4, 9] {
            let (n, unit) = (1 << shift, page << shift);
            let last = n - 1;
            assert_eq!(span(n, n, unit), (pages(n), pages(n), 0));
            assert_eq!(span(0, 1, unit), (0, pages(n), 0));
            assert_eq!(span(last, 1, unit), (0, pages(n), last as usize * page));
            assert_eq!(span(last, 2, unit), (0, pages(2 * n), last as usize * page));
        }
        // Past 32 bits of address.
        let far = 5 << (30 - PAGE_SHIFT);
        assert_eq!(span(far + 1, 2, 4 * page), (5 << 30, pages(4), page));
        let last = (i64::MAX as u64 >> PAGE_SHIFT) - 1;
        assert_eq!(span(last, 1, 2 << 20).2, (2 << 20) - 2 * page);
    }
}
