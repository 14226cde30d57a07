//! Clears memory by frame number, mapping it first where necessary.
//!
//! A [`Frame`] identifies a page by its number. Some memory is permanently mapped, so that every
//! frame has an address: a kernel's linear map, or all of a small guest. Other memory is not,
//! because it exceeds the address space (Linux's `CONFIG_HIGHMEM`), or because it must not stay
//! mapped (a file, a guest, secrets): such frames are mapped temporarily, cleared and unmapped.
//! [`Highmem`] describes both kinds, and [`clear_highpages`] clears either:
//!
//! | mapping of the frames | how they are cleared |
//! |---|---|
//! | permanent | one call of the primitive for all frames |
//! | none | one mapping and one call for as many frames as the mapper maps at a time |
//! | mixed | split where the kinds meet; each part as above |
//!
//! The primitive is chosen for the whole range, regardless of the size of each mapping.
//!
//! ```
//! use clearpage::highmem::{Frame, FrameRange, LinearMap, clear_highpages};
//! use clearpage::{Intent, Page};
//! use core::ptr::NonNull;
//!
//! let mut memory = vec![Page::ZERO; 8];
//! let first = Frame::new(0x100).unwrap();
//! // SAFETY: `memory` is mapped as long as the map is used, and the map alone uses it.
//! let map = unsafe {
//!     LinearMap::new(FrameRange::new(first, 8).unwrap(), NonNull::from(&mut memory[..]).cast())
//! };
//! let frames = FrameRange::new(Frame::new(0x102).unwrap(), 4).unwrap();
//! // SAFETY: nothing else uses these frames.
//! unsafe { clear_highpages(&map, frames, Intent::Cold) }.unwrap();
//! // The map ends after frame 0x107: the frames inside are cleared, and the error reports them.
//! let frames = FrameRange::new(Frame::new(0x106).unwrap(), 4).unwrap();
//! // SAFETY: as above.
//! let error = unsafe { clear_highpages(&map, frames, Intent::Cold) }.unwrap_err();
//! assert_eq!(error.cleared, 2);
//! ```

mod clear;
mod frames;
mod linear;
pub mod tag;

use core::ptr::NonNull;

pub use clear::{
    ClearError, clear_highpage, clear_highpages, clear_scattered_highpages, tag_clear_highpages,
};
pub use frames::{Frame, FrameOverflow, FrameRange};
pub use linear::{LinearMap, NotMapped};

use crate::page::Page;

/// Memory addressed by frame. Some or all frames have no address until they are mapped.
///
/// # Safety
/// - The pages that [`page_address`](Self::page_address) returns are a prefix of the requested
///   frames, in order. They are page-aligned and valid for reads and writes as long as `self` lives,
///   and span at most `isize::MAX` bytes. The pointer may be tagged ([`tag`]).
/// - The pages of a [`Mapping`] that [`kmap_local`](Self::kmap_local) returns are a prefix of the
///   requested frames, in order, and no other memory.
/// - A frame is one page of memory: two frames never share a byte.
pub unsafe trait Highmem {
    /// The reason that frames could not be mapped.
    type Error;

    /// A temporary mapping, undone on drop.
    type Mapping<'a>: Mapping
    where
        Self: 'a;

    /// Returns the longest prefix of `frames` that lies in one contiguous permanent mapping, or
    /// `None` if the first frame has no address.
    ///
    /// `frames` is not empty. A shorter prefix, but not an empty one, costs only time.
    fn page_address(&self, frames: FrameRange) -> Option<NonNull<[Page]>>;

    /// Maps a non-empty prefix of `frames`, as long as can be mapped at the cost of one mapping. It
    /// is an error if no frame can be mapped.
    ///
    /// A mapping belongs to the thread, or the CPU, that created it. Mappings nest: while one is
    /// held another may be created, and the last one created is dropped first. `frames` is not
    /// empty, and its first frame has no address. A prefix may include frames that have one.
    #[doc(alias("kmap_local_page", "kmap_atomic"))]
    fn kmap_local(&self, frames: FrameRange) -> Result<Self::Mapping<'_>, Self::Error>;
}

/// Implements [`Highmem`] for a pointer to it.
macro_rules! pass_on {
    ($pointer:ty) => {
        // SAFETY: every call is passed on, and the memory lives as long as a pointer to it.
        unsafe impl<M: Highmem + ?Sized> Highmem for $pointer {
            type Error = M::Error;
            type Mapping<'a>
                = M::Mapping<'a>
            where
                Self: 'a;

            #[inline]
            fn page_address(&self, frames: FrameRange) -> Option<NonNull<[Page]>> {
                (**self).page_address(frames)
            }

            #[inline]
            fn kmap_local(&self, frames: FrameRange) -> Result<Self::Mapping<'_>, Self::Error> {
                (**self).kmap_local(frames)
            }
        }
    };
}

pass_on!(&M);
#[cfg(feature = "std")]
pass_on!(std::sync::Arc<M>);

/// A temporary mapping, undone on drop.
///
/// # Safety
/// The pages are aligned and valid for reads and writes until the drop, and there is at least one.
#[doc(alias = "kunmap_local")]
pub unsafe trait Mapping {
    /// Returns the mapped pages.
    fn pages(&self) -> NonNull<[Page]>;
}

// SAFETY: no value of this type exists, so no mapping can break the promise.
unsafe impl Mapping for core::convert::Infallible {
    fn pages(&self) -> NonNull<[Page]> {
        match *self {}
    }
}
