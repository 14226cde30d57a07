//! Zeroes a few bytes of any alignment: what a primitive's blocks leave over, and short requests.

use core::sync::atomic::{Ordering, compiler_fence};

/// Maximum length at which [`zero_small`] beats every primitive on any CPU.
pub(crate) const SHORT: usize = 256;

/// Returns whether [`zero_small`] beats every primitive at this length, given their set-up cost.
#[inline]
pub(crate) const fn is_short(len: usize) -> bool {
    len <= SHORT
}

/// Zeroes `len` bytes at `ptr`.
///
/// It has few branches, because short lengths follow no pattern that a CPU could predict: stores
/// that overlap serve four times the lengths that stores side by side would.
///
/// # Safety
/// `ptr` is valid for writes of `len` bytes.
#[cfg_attr(clearpage_asan, sanitize(address = "off"))]
#[inline]
pub(crate) unsafe fn zero_small(mut ptr: *mut u8, mut len: usize) {
    // SAFETY: each arm stays within the length it matches.
    unsafe {
        while len > 256 {
            four::<u128, 4>(ptr, 256);
            ptr = ptr.wrapping_add(256);
            len -= 256;
        }
        // Each arm ends in `keep`: a single call after the match would cost the arms a jump.
        match len {
            129.. => four::<u128, 4>(ptr, len),
            65.. => four::<u128, 2>(ptr, len),
            33.. => four::<u128, 1>(ptr, len),
            16.. => two::<u128>(ptr, len),
            8.. => two::<u64>(ptr, len),
            4.. => two::<u32>(ptr, len),
            2.. => two::<u16>(ptr, len),
            1 => {
                store::<u8>(ptr);
                keep(ptr);
            }
            0 => {}
        }
    }
}

/// Zeroes with four runs of `N` stores. If `len` is less than four runs, the middle two move
/// towards the last.
///
/// # Safety
/// `ptr` is valid for writes of `len` bytes, which are one to four runs.
#[cfg_attr(clearpage_asan, sanitize(address = "off"))]
#[cfg_attr(not(clearpage_asan), inline(always))]
unsafe fn four<T: Copy + Default, const N: usize>(ptr: *mut u8, len: usize) {
    let run = N * size_of::<T>();
    let last = len - run;
    for at in [0, run.min(last), (2 * run).min(last), last] {
        for i in 0..N {
            // SAFETY: no run begins after the last, which ends with the range.
            unsafe { store::<T>(ptr.wrapping_add(at + i * size_of::<T>())) };
        }
    }
    keep(ptr);
}

/// Zeroes with a store at the front and one at the end.
///
/// # Safety
/// `ptr` is valid for writes of `len` bytes, which are one or two stores.
#[cfg_attr(clearpage_asan, sanitize(address = "off"))]
#[cfg_attr(not(clearpage_asan), inline(always))]
unsafe fn two<T: Copy + Default>(ptr: *mut u8, len: usize) {
    // SAFETY: both are inside the range.
    unsafe {
        store::<T>(ptr);
        store::<T>(ptr.wrapping_add(len - size_of::<T>()));
    }
    keep(ptr);
}

/// A `T` that is stored by assignment: functions of `core` are compiled with ASan's checks.
#[derive(Clone, Copy)]
#[repr(C, packed)]
struct Unaligned<T>(T);

/// # Safety
/// `ptr` is valid for a write of a `T`, of any alignment.
#[cfg_attr(clearpage_asan, sanitize(address = "off"))]
#[cfg_attr(not(clearpage_asan), inline(always))]
pub(super) unsafe fn store<T: Copy + Default>(ptr: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe { *ptr.cast::<Unaligned<T>>() = Unaligned(T::default()) };
    // Otherwise the compiler merges stores into a call of memset, which may be our caller.
    compiler_fence(Ordering::SeqCst);
}

/// Makes the compiler assume that the memory at `ptr` is read here; generates no instruction.
/// Without it, stores to memory that is freed next are dead, which a fence does not prevent.
#[cfg_attr(clearpage_asan, sanitize(address = "off"))]
#[cfg_attr(not(clearpage_asan), inline(always))]
fn keep(ptr: *mut u8) {
    cfg_if::cfg_if! {
        if #[cfg(any(
            target_arch = "riscv32",
            not(any(clearpage_isa = "generic", clearpage_isa = "wasm32"))
        ))] {
            // SAFETY: the asm is a comment, which executes nothing.
            unsafe {
                core::arch::asm!("/* {0} */", in(reg) ptr, options(nostack, preserves_flags, readonly));
            }
        } else {
            core::hint::black_box(ptr);
        }
    }
}
