//! Memory that must be mapped before it is touched.
//!
//! A [`Frame`] is a page by its number. Some memory has a permanent mapping, and so an address for
//! every frame: a kernel's linear map, the whole of a small guest. Other memory has none, because
//! there is more of it than addresses (Linux's `CONFIG_HIGHMEM`), or because nobody wants it mapped
//! all the time (a file, a guest, secrets): it is mapped for a moment, cleared, and unmapped.
//! [`Highmem`] is both; [`clear_highpages`] clears either:
//!
//! | the frames have | what is done |
//! |---|---|
//! | a permanent mapping | one call of the primitive for all of them |
//! | none | one mapping, and one call, for as many frames as the mapper gives at a time |
//! | one here and none there | each part in its own way, split where they meet |
//!
//! The primitive is the one for the whole range, whatever the size of a window.
//!
//! Linux has had one loop for all of it, a mapping and a call a page; the change "use batch page
//! clearing in kernel_init_pages()" gave the first row its one call. The second is ours.
//!
//! ```
//! use clearpage::highmem::{Frame, Frames, LinearMap, clear_highpages};
//! use clearpage::{Intent, Page};
//! use core::ptr::NonNull;
//!
//! let mut memory = vec![Page::ZERO; 8];
//! let first = Frame::new(0x100).unwrap();
//! // SAFETY: `memory` is mapped as long as the map is used, and the map alone uses it.
//! let map = unsafe {
//!     LinearMap::new(Frames::new(first, 8).unwrap(), NonNull::from(&mut memory[..]).cast())
//! };
//! let frames = Frames::new(Frame::new(0x102).unwrap(), 4).unwrap();
//! // SAFETY: nobody else uses these frames.
//! unsafe { clear_highpages(&map, frames, Intent::Cold) }.unwrap();
//! // Behind the last one there is nothing: what was there is cleared, and the error says so.
//! let frames = Frames::new(Frame::new(0x106).unwrap(), 4).unwrap();
//! // SAFETY: as above.
//! let error = unsafe { clear_highpages(&map, frames, Intent::Cold) }.unwrap_err();
//! assert_eq!(error.cleared, 2);
//! ```

mod clear;
mod frames;
mod instrumentation;
mod linear;
pub mod tag;

use core::ptr::NonNull;

pub use clear::{ClearError, clear_highpage, clear_highpages, clear_scattered_highpages};
pub use frames::{Frame, FrameOverflow, Frames};
#[cfg(feature = "std")]
pub use instrumentation::AddressSanitizer;
pub use instrumentation::{Instrumentation, NotInstrumented, Unchecked};
pub use linear::{LinearMap, NotMapped};
pub use tag::tag_clear_highpages;

use crate::page::Page;

/// Memory by frames, some or all of which have no address until they are mapped.
///
/// # Safety
/// - A pointer that [`page_address`](Self::page_address) gives is aligned to a page and valid for
///   reads and writes of all the frames asked for, one after the other, for as long as `self`
///   lives; so they are no more than `isize::MAX` bytes. It may have a tag ([`tag`]).
/// - The pages of a [`Mapping`] that [`kmap_local`](Self::kmap_local) gives are the first ones of
///   the frames asked for, in their order, and none but them.
/// - A frame is one page of memory: two frames never share a byte.
pub unsafe trait Highmem {
    /// Why frames could not be mapped.
    type Error;

    /// A temporary mapping, undone when it is dropped.
    type Mapping<'a>: Mapping
    where
        Self: 'a;

    /// The permanent mapping of `frames`; `None` unless there is one, contiguous, for all of them.
    ///
    /// There is at least one frame.
    fn page_address(&self, frames: Frames) -> Option<NonNull<Page>>;

    /// Maps the first of `frames`: at least one, at most all, as many as cost no more than one.
    ///
    /// A mapping belongs to the thread, or the CPU, that made it. Mappings nest: while one is held
    /// another may be made, and the one made last is undone first. There is at least one frame, and
    /// no [`boundary`](Self::boundary) among them.
    ///
    /// # Errors
    /// None of the frames is mapped then.
    #[doc(alias = "kmap_local_page")]
    #[doc(alias = "kmap_atomic")]
    fn kmap_local(&self, frames: Frames) -> Result<Self::Mapping<'_>, Self::Error>;

    /// The number of the first frame that is of another kind than the first of `frames`: frames are
    /// in one permanent mapping, or without any. A number that is none of the others' says that they
    /// are all of one kind. It is asked only where not all of them have an address.
    ///
    /// For memory of one kind alone the default is right.
    fn boundary(&self, frames: Frames) -> u64 {
        frames.end()
    }
}

/// A temporary mapping; dropping it undoes it.
///
/// # Safety
/// The pages are aligned, valid for reads and writes while the mapping is held, and at least one.
#[doc(alias = "kunmap_local")]
pub unsafe trait Mapping {
    /// What is mapped.
    fn pages(&self) -> NonNull<[Page]>;
}

// SAFETY: there is no mapping, so nothing is promised.
unsafe impl Mapping for core::convert::Infallible {
    fn pages(&self) -> NonNull<[Page]> {
        match *self {}
    }
}
