//! Clears the memory of a rust-vmm guest by frames: [`GuestRam`] implements [`Highmem`] for the
//! memory of [`vm_memory`].
//!
//! A frame is a page of guest physical memory. A range may span several regions. Each region is
//! mapped by one [`Window`] and cleared with one call of the primitive. The window holds vm-memory's
//! pointer guard, which maps the memory under Xen. When it is dropped, it marks its pages in the
//! dirty bitmap of the region. If the range reaches a hole, the pages before it are cleared and
//! marked, and the pages after it are unchanged.
//!
//! ```
//! use clearpage::highmem::{Frame, FrameRange};
//! use clearpage::{Intent, PAGE_SIZE};
//! use clearpage_guest_ram::{GuestError, GuestRam};
//! use vm_memory::bitmap::{AtomicBitmap, Bitmap};
//! use vm_memory::{GuestAddress, GuestMemoryBackend, GuestMemoryMmap, GuestMemoryRegion};
//!
//! # // mmap aligns memory to the host's pages, not to larger ones.
//! # if PAGE_SIZE > 4096 { return Ok::<(), Box<dyn std::error::Error>>(()) }
//! // The middle four of 12 pages are a hole.
//! let page = |number: usize| GuestAddress((number * PAGE_SIZE) as u64);
//! let ranges = [(page(0), 4 * PAGE_SIZE), (page(8), 4 * PAGE_SIZE)];
//! let memory = GuestMemoryMmap::<AtomicBitmap>::from_ranges(&ranges)?;
//! // SAFETY: the regions are distinct memory, and only vm-memory accesses them.
//! let ram = unsafe { GuestRam::new(&memory) };
//!
//! let frames = FrameRange::new(Frame::containing(page(2).0), 7)?;
//! let error = ram.clear(frames, Intent::Cold).unwrap_err();
//! assert_eq!(error.cleared, 2);
//! assert!(matches!(error.source, GuestError::NoRegion { address } if address == page(4)));
//!
//! let dirty = |number| {
//!     let (region, address) = memory.to_region_addr(page(number)).unwrap();
//!     region.bitmap().dirty_at(address.0 as usize)
//! };
//! assert_eq!([1, 2, 3, 8].map(dirty), [false, true, true, false]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod window;

use std::ptr::NonNull;

use clearpage::highmem::{
    ClearError, Frame, FrameRange, Highmem, clear_highpages, clear_scattered_highpages,
};
use clearpage::{Intent, PAGE_SHIFT, Page};
use vm_memory::bitmap::MS;
use vm_memory::{Address, GuestAddress, GuestMemoryBackend, GuestMemoryRegion};

pub use error::GuestError;
pub use window::Window;

/// Guest memory addressed by frame.
///
/// - Frames have no permanent address, although most backends map all guest memory permanently:
///   writes through such an address would not be marked dirty.
/// - The pages of the bitmap may be larger or smaller than [`PAGE_SIZE`](clearpage::PAGE_SIZE).
/// - A frame must be inside one region, at a host address that is a multiple of `PAGE_SIZE`. If this
///   crate is built for larger pages than the host's, mmap does not guarantee that.
/// - It requires a [`GuestMemoryBackend`], which is physical memory. With an IOMMU, two addresses
///   may be the same page, but two frames must not be.
/// - Clearing a region with a read-only host mapping faults, as vm-memory's own writes do. If Xen
///   cannot map a grant, vm-memory panics.
#[derive(Debug)]
pub struct GuestRam<'a, M: GuestMemoryBackend + ?Sized> {
    memory: &'a M,
}

impl<'a, M: GuestMemoryBackend + ?Sized> GuestRam<'a, M> {
    /// Creates a view of `memory` by frames.
    ///
    /// # Safety
    /// As long as the view is used:
    /// - The slice that `memory` returns for an address is the guest's memory there, and is writable.
    ///   No two regions share a byte, as they would if one file was mapped as both.
    /// - Other accesses to the memory are volatile, atomic or made outside Rust, as by vm-memory and
    ///   the guest. No reference to the memory exists, except to atomics.
    pub const unsafe fn new(memory: &'a M) -> Self {
        Self { memory }
    }

    /// Zeroes frames and marks them dirty.
    ///
    /// It is safe for the same reason as vm-memory's writes, although the guest may access the memory
    /// at any time: every primitive stores by assembly or volatile writes. A concurrent reader finds
    /// each byte unchanged or zero, in any order.
    ///
    /// # Errors
    /// A frame could not be mapped. The frames before it are cleared and marked; it and the frames
    /// after it are unchanged.
    pub fn clear(&self, frames: FrameRange, intent: Intent) -> Result<(), ClearError<GuestError>> {
        // SAFETY: the creator promised that other accesses are volatile, atomic or outside Rust.
        unsafe { clear_highpages(self, frames, intent) }
    }

    /// Zeroes discontiguous frames and marks them dirty, such as those that a balloon returned.
    ///
    /// # Errors
    /// As [`clear`](Self::clear); the error counts frames in list order.
    pub fn clear_scattered(
        &self,
        frames: &[Frame],
        intent: Intent,
    ) -> Result<(), ClearError<GuestError>> {
        // SAFETY: as `clear`.
        unsafe { clear_scattered_highpages(self, frames, intent) }
    }
}

// SAFETY: no frame has a permanent address. A window is the slice that the memory returned for the
// address of its first frame, and the creator promised that such slices are distinct.
unsafe impl<M: GuestMemoryBackend + ?Sized> Highmem for GuestRam<'_, M> {
    type Error = GuestError;
    type Mapping<'m>
        = Window<'m, MS<'m, M>>
    where
        Self: 'm;

    fn page_address(&self, _: FrameRange) -> Option<NonNull<[Page]>> {
        None
    }

    /// Maps all frames in the region of the first one.
    fn kmap_local(&self, frames: FrameRange) -> Result<Self::Mapping<'_>, GuestError> {
        let address = GuestAddress(frames.start().address());
        let (region, offset) =
            self.memory.to_region_addr(address).ok_or(GuestError::NoRegion { address })?;
        let held = region.len() - offset.raw_value();
        let npages = frames.npages().min(held >> PAGE_SHIFT);
        if npages == 0 {
            return Err(GuestError::Cut { address, held });
        }
        let len = (npages << PAGE_SHIFT) as usize;
        let slice = region
            .get_slice(offset, len)
            .map_err(|source| GuestError::NoPointer { address, source })?;
        assert_eq!(slice.len(), len, "get_slice at {address:x?}: another length than requested");
        Window::new(slice).map_err(|host| GuestError::Misaligned { address, host })
    }
}
