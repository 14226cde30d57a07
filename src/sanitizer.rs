//! AddressSanitizer: in a build with it (`-Zsanitizer=address`) a range is checked before it is
//! cleared, as its own memset would check it; asm it cannot see into. In other builds there is
//! nothing.

#[cfg(clearpage_asan)]
pub(crate) use on::*;

/// Nobody checks.
#[cfg(not(clearpage_asan))]
#[inline(always)]
pub(crate) const fn check_write(_ptr: *mut u8, _len: usize) {}

#[cfg(clearpage_asan)]
mod on {
    #[cfg(feature = "std")]
    std::thread_local! {
        /// How many guards this thread holds.
        pub(crate) static UNCHECKED: core::cell::Cell<usize> = const { core::cell::Cell::new(0) };
    }

    unsafe extern "C" {
        /// Of the compiler's runtime: reports, and ends the process, where a byte is poisoned.
        safe fn __asan_storeN(address: usize, len: usize);
    }

    /// Reports a range of which a byte may not be written, unless this thread is not checked.
    pub(crate) fn check_write(ptr: *mut u8, len: usize) {
        #[cfg(feature = "std")]
        if UNCHECKED.get() > 0 {
            return;
        }
        if len > 0 {
            __asan_storeN(ptr.addr(), len);
        }
    }
}
