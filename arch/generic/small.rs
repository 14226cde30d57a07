//! A few bytes of any alignment: what a primitive's blocks leave over, and short requests.

use core::sync::atomic::{Ordering, compiler_fence};

/// Zeroes `len` bytes at `ptr`, by stores that overlap where `len` is between two sizes.
///
/// # Safety
/// `ptr` is valid for writes of `len` bytes.
#[inline]
pub(crate) unsafe fn zero_small(mut ptr: *mut u8, mut len: usize) {
    // SAFETY: each arm stays within the length it matches.
    unsafe {
        while len > 256 {
            from_both_ends::<u128, 8>(ptr, 256);
            ptr = ptr.add(256);
            len -= 256;
        }
        match len {
            129.. => from_both_ends::<u128, 8>(ptr, len),
            65.. => from_both_ends::<u128, 4>(ptr, len),
            33.. => from_both_ends::<u128, 2>(ptr, len),
            16.. => from_both_ends::<u128, 1>(ptr, len),
            8.. => from_both_ends::<u64, 1>(ptr, len),
            4.. => from_both_ends::<u32, 1>(ptr, len),
            2.. => from_both_ends::<u16, 1>(ptr, len),
            1 => store::<u8>(ptr),
            0 => {}
        }
    }
}

/// `N` stores of a `T` from the front and `N` up to the end, meeting or overlapping in the middle.
///
/// # Safety
/// `ptr` is valid for writes of `len` bytes; `N * size_of::<T>() <= len`.
#[inline(always)]
unsafe fn from_both_ends<T: Default, const N: usize>(ptr: *mut u8, len: usize) {
    for i in 0..N {
        let at = i * size_of::<T>();
        // SAFETY: both are `T`s inside the range, by the caller's bound on N.
        unsafe {
            store::<T>(ptr.add(at));
            store::<T>(ptr.add(len - at - size_of::<T>()));
        }
    }
}

/// # Safety
/// `ptr` is valid for a write of a `T`, of any alignment.
#[inline(always)]
unsafe fn store<T: Default>(ptr: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe { ptr.cast::<T>().write_unaligned(T::default()) };
    // Neighbouring stores would be merged into a call of memset, which may be our caller.
    compiler_fence(Ordering::SeqCst);
}
