//! Memory whose address is its number plus an offset.

use core::convert::Infallible;
use core::fmt;
use core::ptr::NonNull;

use super::{Frame, Frames, Highmem};
use crate::page::Page;

/// Frames mapped for good, in their order: what kernels call their linear or direct map, where an
/// address is a frame's number and an offset (Linux's `phys_to_virt`). Other frames it cannot map.
#[derive(Clone, Copy, Debug)]
#[doc(alias = "phys_to_virt")]
pub struct LinearMap {
    frames: Frames,
    base: NonNull<Page>,
}

// SAFETY: it is two numbers and an address; what is there is used by the callers of the unsafe
// functions that clear it.
unsafe impl Send for LinearMap {}
// SAFETY: as above.
unsafe impl Sync for LinearMap {}

impl LinearMap {
    /// `frames`, the first of which is at `base`.
    ///
    /// # Safety
    /// As long as the map is used:
    /// - `base` is aligned to a page and valid for reads and writes of all the frames, one after the
    ///   other, which are no more than `isize::MAX` bytes. It may have a tag.
    /// - What the map clears is used by nobody else meanwhile.
    pub const unsafe fn new(frames: Frames, base: NonNull<Page>) -> Self {
        Self { frames, base }
    }

    /// `frames`, each at its physical address plus `offset`, modulo the size of the address space:
    /// a kernel's `PAGE_OFFSET`, or 0 where memory is mapped to its own addresses.
    ///
    /// # Safety
    /// As [`LinearMap::new`] of the first frame's address, the provenance of which is exposed.
    ///
    /// # Panics
    /// If the first frame would be at address 0, which no pointer may be.
    pub unsafe fn with_offset(frames: Frames, offset: usize) -> Self {
        let address = (frames.start().address() as usize).wrapping_add(offset);
        let base = core::ptr::with_exposed_provenance_mut(address);
        Self { frames, base: NonNull::new(base).expect("the first frame would be at address 0") }
    }

    /// The frames that it maps.
    pub const fn frames(&self) -> Frames {
        self.frames
    }
}

// SAFETY: the pages are where the creator promises that they are.
unsafe impl Highmem for LinearMap {
    type Error = NotMapped;
    type Mapping<'a> = Infallible;

    #[inline]
    fn page_address(&self, frames: Frames) -> Option<NonNull<Page>> {
        let before = frames.start().get().wrapping_sub(self.frames.start().get());
        if before < self.frames.npages() && frames.npages() <= self.frames.npages() - before {
            // SAFETY: the frame is inside the map, which is one allocation.
            Some(unsafe { self.base.add(before as usize) })
        } else {
            None
        }
    }

    fn kmap_local(&self, frames: Frames) -> Result<Infallible, NotMapped> {
        Err(NotMapped { frame: frames.start(), mapped: self.frames })
    }

    fn boundary(&self, frames: Frames) -> u64 {
        if self.frames.contains(frames.start()) {
            self.frames.end()
        } else {
            self.frames.start().get()
        }
    }
}

/// A frame that a [`LinearMap`] does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotMapped {
    /// The frame asked for.
    pub frame: Frame,
    /// Those that the map holds.
    pub mapped: Frames,
}

impl fmt::Display for NotMapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is none of the {} that are mapped", self.frame, self.mapped)
    }
}

impl core::error::Error for NotMapped {}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(start: u64, npages: u64) -> Frames {
        Frames::new(Frame::new(start).expect("small"), npages).expect("small")
    }

    #[test]
    fn an_address_is_a_number_and_an_offset() {
        let base = NonNull::<Page>::dangling();
        // SAFETY: nothing is touched.
        let map = unsafe { LinearMap::new(frames(10, 5), base) };
        let at = |n: usize| Some(base.as_ptr().wrapping_add(n));
        let address = |start, npages| map.page_address(frames(start, npages)).map(NonNull::as_ptr);
        assert_eq!(address(10, 5), at(0));
        assert_eq!(address(14, 1), at(4));
        for (start, npages) in [(9, 1), (9, 6), (10, 6), (14, 2), (15, 1), (0, 100)] {
            assert_eq!(address(start, npages), None, "{start}, {npages}");
        }
        let offset = 0x4000_0000 - 10 * crate::PAGE_SIZE;
        // SAFETY: nothing is touched.
        let map = unsafe { LinearMap::with_offset(frames(10, 5), offset) };
        assert_eq!(
            map.page_address(frames(11, 1)).map(|p| p.addr().get()),
            Some(0x4000_0000 + crate::PAGE_SIZE)
        );
    }

    #[test]
    fn what_is_not_mapped_is_named() {
        // SAFETY: nothing is touched.
        let map = unsafe { LinearMap::new(frames(0x10, 5), NonNull::dangling()) };
        let error = map.kmap_local(frames(3, 4)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "frame 0x3 is none of the 5 pages from frame 0x10 that are mapped"
        );
    }
}
