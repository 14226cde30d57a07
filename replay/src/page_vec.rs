//! Arrays in pages of an [`Arena`].

use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use clearpage::PAGE_SIZE;
use clearpage::highmem::FrameRange;

use crate::arena::Arena;

/// A type that may be stored in memory that init_on_alloc has cleared.
///
/// # Safety
/// All bytes zero are a valid value. The type has no padding, needs no drop, and at most the
/// alignment of a page.
pub unsafe trait Plain: Copy {}

// SAFETY: a number.
unsafe impl Plain for u32 {}
// SAFETY: a number.
unsafe impl Plain for u64 {}
// SAFETY: a number.
unsafe impl Plain for f64 {}
// SAFETY: two numbers of the same size.
unsafe impl Plain for [u32; 2] {}

/// An array in pages of its own, which are freed when it is dropped.
pub struct PageVec<'a, T: Plain> {
    arena: &'a Arena<'a>,
    frames: FrameRange,
    start: NonNull<T>,
    len: usize,
}

// SAFETY: sharing it is sharing its values, which its owner alone can change, and the arena, which
// may be shared.
unsafe impl<T: Plain + Sync> Sync for PageVec<'_, T> {}

impl<'a, T: Plain> PageVec<'a, T> {
    /// Allocates `len` values. Only the init_on_alloc of the arena makes them zero.
    ///
    /// # Panics
    /// If the arena is exhausted: size it with [`room`].
    pub fn new(arena: &'a Arena<'a>, len: usize) -> Self {
        let frames = arena.alloc(npages::<T>(len)).expect("the arena has room for what is planned");
        Self { arena, frames, start: arena.address(frames).cast(), len }
    }

    /// Returns the bytes of the values.
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: what is plain has no padding.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr().cast(), size_of_val(&**self)) }
    }
}

/// Returns the pages of `len` values, at least one.
const fn npages<T>(len: usize) -> usize {
    let npages = (len * size_of::<T>()).div_ceil(PAGE_SIZE);
    if npages == 0 { 1 } else { npages }
}

/// Returns the bytes that a buddy allocator needs for `len` values: a power of two.
pub fn room<T>(len: u64) -> u64 {
    (len * size_of::<T>() as u64).next_power_of_two().max(PAGE_SIZE as u64)
}

impl<T: Plain> Deref for PageVec<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the frames are this array's alone, and long enough; zeroes are values.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl<T: Plain> DerefMut for PageVec<'_, T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and borrowed as `self` is.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl<T: Plain> Drop for PageVec<'_, T> {
    fn drop(&mut self) {
        // SAFETY: allocated by `new`, and this was the only user.
        unsafe { self.arena.free_frames(self.frames) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::with_arena;

    #[test]
    fn arrays_are_zero_and_do_not_overlap() {
        with_arena(8 * PAGE_SIZE as u64, |arena| {
            for round in 1..20 {
                let mut numbers = PageVec::<u32>::new(arena, PAGE_SIZE / 4 + 1);
                let mut floats = PageVec::<f64>::new(arena, 3);
                assert!(numbers.iter().all(|&n| n == 0) && floats.iter().all(|&f| f == 0.0));
                numbers.fill(round);
                floats.fill(f64::from(round));
                assert_eq!(numbers.as_bytes().len(), PAGE_SIZE + 4);
                assert_eq!(numbers.as_bytes()[PAGE_SIZE..], round.to_ne_bytes());
                assert_eq!((numbers.frames.npages(), floats.frames.npages()), (2, 1));
                assert_eq!(&floats[..], [f64::from(round); 3]);
            }
            assert_eq!(PageVec::<u64>::new(arena, 0).len(), 0);
        });
    }

    #[test]
    fn room_is_rounded_up_to_a_block() {
        assert_eq!(room::<u32>(0), PAGE_SIZE as u64);
        assert_eq!(room::<u64>((PAGE_SIZE / 8) as u64), PAGE_SIZE as u64);
        assert_eq!(room::<u64>((PAGE_SIZE / 8 + 1) as u64), 2 * PAGE_SIZE as u64);
    }
}
