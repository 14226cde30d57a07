//! The memory of a rust-vmm guest, cleared by frames: [`GuestRam`] is [`Highmem`] over the memory
//! of [`vm_memory`].
//!
//! A frame is a page by its guest physical address. A range may lie across regions: each is mapped
//! by one [`Window`], and so takes one call of the primitive. The window holds vm-memory's own
//! guard of a pointer, which under Xen is what maps the memory; when it is dropped, exactly its
//! pages are marked in the region's dirty bitmap. Where a region is missing, what lies before is
//! cleared and marked, and what lies behind is neither.
//!
//! ```
//! use clearpage::highmem::{Frame, FrameRange};
//! use clearpage::{Intent, PAGE_SIZE};
//! use clearpage_guest_ram::{GuestError, GuestRam};
//! use vm_memory::bitmap::{AtomicBitmap, Bitmap};
//! use vm_memory::{GuestAddress, GuestMemoryBackend, GuestMemoryMmap, GuestMemoryRegion};
//!
//! # // Memory of mmap is aligned to the host's pages, and need not be to larger ones.
//! # if PAGE_SIZE > 4096 { return Ok::<(), Box<dyn std::error::Error>>(()) }
//! // Of 12 pages the middle four are a hole.
//! let page = |number: usize| GuestAddress((number * PAGE_SIZE) as u64);
//! let ranges = [(page(0), 4 * PAGE_SIZE), (page(8), 4 * PAGE_SIZE)];
//! let memory = GuestMemoryMmap::<AtomicBitmap>::from_ranges(&ranges)?;
//! // SAFETY: the regions are memory of their own, and nothing but vm-memory touches them.
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

/// Guest memory by frames.
///
/// It has no permanent mapping, though most backends map all of the guest's memory for good: what is
/// written through an address, nobody marks. The bitmap may count pages of any size, larger or
/// smaller than [`PAGE_SIZE`](clearpage::PAGE_SIZE).
///
/// A frame has to be whole in one region, and at an address of the host that is a multiple of
/// `PAGE_SIZE`: where this crate is built for larger pages than the host has, mmap alone does not
/// see to that.
///
/// It is for [`GuestMemoryBackend`], the physical memory: behind an IOMMU two addresses may be one
/// page, which two frames may not.
///
/// A region whose host mapping is read-only is not told from others: to clear it faults, as
/// vm-memory's own writes to it do. That Xen cannot map a grant makes vm-memory panic.
#[derive(Debug)]
pub struct GuestRam<'a, M: GuestMemoryBackend + ?Sized> {
    memory: &'a M,
}

impl<'a, M: GuestMemoryBackend + ?Sized> GuestRam<'a, M> {
    /// The frames of `memory`.
    ///
    /// # Safety
    /// As long as it is used:
    /// - The slice that `memory` gives for an address is the guest's memory there, writable, and no
    ///   two regions share a byte, as they would if one file were mapped as both.
    /// - Who else touches what is cleared does so by volatile or atomic accesses, as vm-memory does,
    ///   or is no Rust code, as the guest; nobody holds a reference to it, other than to atomics.
    pub const unsafe fn new(memory: &'a M) -> Self {
        Self { memory }
    }

    /// Zeroes the frames and marks them dirty.
    ///
    /// That is safe as vm-memory's writes are: guest memory is anybody's at any time. Every
    /// primitive stores by assembly or volatile writes, so a vCPU or a thread that reads meanwhile
    /// sees each byte as it was or as zero, in no order, and the compiler assumes nothing of it.
    ///
    /// # Errors
    /// A frame is none of the guest's: those before it are cleared and marked, it and those behind
    /// it are as they were.
    pub fn clear(&self, frames: FrameRange, intent: Intent) -> Result<(), ClearError<GuestError>> {
        // SAFETY: others access the frames only in ways that may go on meanwhile, by the promise to
        // `new`.
        unsafe { clear_highpages(self, frames, intent) }
    }

    /// Zeroes frames that lie anywhere and marks them dirty: those that a balloon gives back, say.
    ///
    /// # Errors
    /// As [`clear`](Self::clear), in the order of the list.
    pub fn clear_scattered(
        &self,
        frames: &[Frame],
        intent: Intent,
    ) -> Result<(), ClearError<GuestError>> {
        // SAFETY: as `clear`.
        unsafe { clear_scattered_highpages(self, frames, intent) }
    }
}

// SAFETY: there is no permanent mapping; that of a window is the slice which the guest's memory has
// for the first frame's address, and that those are distinct is the promise to `new`.
unsafe impl<M: GuestMemoryBackend + ?Sized> Highmem for GuestRam<'_, M> {
    type Error = GuestError;
    type Mapping<'m>
        = Window<'m, MS<'m, M>>
    where
        Self: 'm;

    fn page_address(&self, _: FrameRange) -> Option<NonNull<[Page]>> {
        None
    }

    /// Maps all frames that the region of the first one holds.
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
        assert_eq!(slice.len(), len, "get_slice at {address:x?}: not the length asked for");
        Window::new(slice).map_err(|host| GuestError::Misaligned { address, host })
    }
}
