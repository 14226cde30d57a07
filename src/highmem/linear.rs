//! Maps frame numbers to addresses by a constant offset.

use core::convert::Infallible;
use core::fmt;
use core::ptr::NonNull;

use super::{Frame, FrameRange, Highmem, tag};
use crate::page::{PAGE_SHIFT, Page};

/// Frames that are permanently mapped in order, as by a kernel's linear or direct map: an address
/// is a physical address plus an offset (Linux's `phys_to_virt`). It cannot map other frames. For
/// memory in several such parts, implement [`Highmem`] and ask the maps in turn:
/// `low.page_address(frames).or_else(|| high.page_address(frames))`.
#[derive(Clone, Copy, Debug)]
#[doc(alias = "phys_to_virt")]
pub struct LinearMap {
    frames: FrameRange,
    base: NonNull<Page>,
}

// SAFETY: the map is two numbers and an address. Only unsafe functions access the memory there,
// under the promises of their callers.
unsafe impl Send for LinearMap {}
// SAFETY: as above.
unsafe impl Sync for LinearMap {}

impl LinearMap {
    /// Creates a map of `frames`, the first of which is at `base`.
    ///
    /// # Safety
    /// As long as the map is used:
    /// - `base` is page-aligned and valid for reads and writes of all frames, contiguous and in
    ///   order, which span at most `isize::MAX` bytes. It may be tagged.
    /// - While frames are cleared through the map, nothing else uses them.
    pub const unsafe fn new(frames: FrameRange, base: NonNull<Page>) -> Self {
        Self { frames, base }
    }

    /// Creates a map of `frames`, each at its physical address plus `offset`, modulo the size of
    /// the address space: a kernel's `PAGE_OFFSET`, or 0 if memory is identity-mapped.
    ///
    /// # Safety
    /// As [`LinearMap::new`] for the first frame's address. If the memory belongs to a Rust object,
    /// its provenance must be exposed; memory that the kernel maps itself belongs to none.
    ///
    /// # Panics
    /// If the first frame would be at address 0, which is reserved for the null pointer.
    pub const unsafe fn with_offset(frames: FrameRange, offset: usize) -> Self {
        let address = (frames.start().address() as usize).wrapping_add(offset);
        // As `with_exposed_provenance_mut`, which is not `const` in Rust 1.85.
        let base = NonNull::new(address as *mut Page);
        Self { frames, base: base.expect("the first frame would be at address 0") }
    }

    /// Returns the frames in the map.
    pub const fn frames(&self) -> FrameRange {
        self.frames
    }

    /// Returns the bytes of `frames`, or `None` if the map lacks one of them.
    pub fn bytes(&self, frames: FrameRange) -> Option<NonNull<[u8]>> {
        let pages = self.page_address(frames)?;
        let bytes = NonNull::slice_from_raw_parts(pages.cast(), pages.len() << PAGE_SHIFT);
        (pages.len() as u64 == frames.npages()).then_some(bytes)
    }

    /// Returns the frame that contains the byte at `address`, tagged or not, or `None` if none in the
    /// map does.
    #[doc(alias = "virt_to_phys")]
    pub fn frame_at(&self, address: *const u8) -> Option<Frame> {
        let base = tag::strip(self.base.as_ptr()).addr();
        let offset = tag::strip(address.cast_mut()).addr().checked_sub(base)? as u64;
        let frame = Frame::new(self.frames.start().get().checked_add(offset >> PAGE_SHIFT)?)?;
        self.frames.contains(frame).then_some(frame)
    }
}

// SAFETY: only frames of the map get an address, and its creator promised that they are there.
unsafe impl Highmem for LinearMap {
    type Error = NotMapped;
    type Mapping<'a> = Infallible;

    #[inline]
    fn page_address(&self, frames: FrameRange) -> Option<NonNull<[Page]>> {
        let before = frames.start().get().wrapping_sub(self.frames.start().get());
        if before >= self.frames.npages() {
            return None;
        }
        let npages = frames.npages().min(self.frames.npages() - before);
        // SAFETY: `before` is less than the frames of the map, all valid from `base` on.
        let first = unsafe { self.base.add(before as usize) };
        Some(NonNull::slice_from_raw_parts(first, npages as usize))
    }

    fn kmap_local(&self, frames: FrameRange) -> Result<Infallible, NotMapped> {
        Err(NotMapped { frame: frames.start(), mapped: self.frames })
    }
}

/// An error: a [`LinearMap`] does not contain the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotMapped {
    /// The first frame requested.
    pub frame: Frame,
    /// The frames in the map.
    pub mapped: FrameRange,
}

impl fmt::Display for NotMapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is none of the {} that are mapped", self.frame, self.mapped)
    }
}

impl core::error::Error for NotMapped {}
