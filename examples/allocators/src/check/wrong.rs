//! Negative controls: what clears wrongly or not at all, which the checks must find.

use std::alloc::{GlobalAlloc, Layout};
use std::ptr::NonNull;

use clearpage::highmem::{FrameRange, Highmem, LinearMap, Mapping};
use clearpage::{Intent, Page};

/// Written where a 0 belongs.
const POISON: u8 = 0xdd;

/// A [`Clear`](crate::Clear) that poisons.
///
/// # Safety
/// As [`clearpage::raw::zero_bytes`].
pub unsafe fn poison(ptr: *mut u8, len: usize, _: Intent) {
    // SAFETY: the caller's promise.
    unsafe { ptr.write_bytes(POISON, len) };
}

/// `init_on_alloc` and `init_on_free` by poison.
#[derive(Debug)]
pub struct Poisoning<A>(pub A);

// SAFETY: the inner allocator's blocks.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Poisoning<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise; a block is valid for its size.
        unsafe {
            let ptr = self.0.alloc(layout);
            if !ptr.is_null() {
                poison(ptr, layout.size(), Intent::Hot);
            }
            ptr
        }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise; a block is valid for its size.
        unsafe {
            poison(ptr, layout.size(), Intent::Cold);
            self.0.dealloc(ptr, layout);
        }
    }
}

/// A map of frames in which whatever is done to them is undone.
#[derive(Clone, Copy, Debug)]
pub enum WrongMap {
    /// They are full of poison afterwards.
    Poisons(LinearMap),
    /// They cannot be mapped.
    Fails,
}

/// Frames that are full of poison once they are not mapped any more.
#[derive(Debug)]
pub struct Poisoned(NonNull<[Page]>);

// SAFETY: pages of a linear map.
unsafe impl Mapping for Poisoned {
    fn pages(&self) -> NonNull<[Page]> {
        self.0
    }
}

impl Drop for Poisoned {
    fn drop(&mut self) {
        // SAFETY: pages of a linear map, of who had them mapped.
        unsafe { self.0.cast::<Page>().write_bytes(POISON, self.0.len()) };
    }
}

// SAFETY: the frames of a linear map, one mapping for all that are asked for.
unsafe impl Highmem for WrongMap {
    type Error = &'static str;
    type Mapping<'a> = Poisoned;

    fn page_address(&self, _: FrameRange) -> Option<NonNull<[Page]>> {
        None
    }

    fn kmap_local(&self, frames: FrameRange) -> Result<Poisoned, &'static str> {
        let Self::Poisons(map) = self else { return Err("told to fail") };
        map.page_address(frames).map(Poisoned).ok_or("none of the map's")
    }
}
