//! Checks ranges with AddressSanitizer, in builds with `-Zsanitizer=address`, before they are
//! cleared. AddressSanitizer instruments memset itself but not asm. In other builds, the functions
//! are empty.

#[cfg(clearpage_asan)]
pub(crate) use on::*;

#[cfg(not(clearpage_asan))]
pub(crate) use off::*;

/// The empty functions.
#[cfg(not(clearpage_asan))]
mod off {
    use core::ptr::NonNull;

    use crate::page::Page;

    #[inline(always)]
    pub(crate) const fn check_write(_ptr: *mut u8, _len: usize) {}

    #[inline(always)]
    pub(crate) const fn check_pages(_pages: &[NonNull<Page>]) {}

    #[cfg(feature = "std")]
    pub(crate) const fn is_guarded() -> bool {
        false
    }
}

#[cfg(clearpage_asan)]
mod on {
    use core::ptr::NonNull;

    use crate::arch::tags::untag;
    use crate::page::{PAGE_SIZE, Page};

    #[cfg(feature = "std")]
    std::thread_local! {
        /// The number of `Unchecked` guards that this thread holds.
        pub(crate) static UNCHECKED: core::cell::Cell<usize> = const { core::cell::Cell::new(0) };
    }

    unsafe extern "C" {
        /// Reports a poisoned byte and ends the process (from the compiler's runtime).
        safe fn __asan_storeN(address: usize, len: usize);
    }

    /// Reports a range with a byte that must not be written, unless this thread holds a guard.
    pub(crate) fn check_write(ptr: *mut u8, len: usize) {
        #[cfg(feature = "std")]
        if is_guarded() {
            return;
        }
        if len > 0 {
            __asan_storeN(untag(ptr.addr()), len);
        }
    }

    /// Calls [`check_write`] for each page.
    pub(crate) fn check_pages(pages: &[NonNull<Page>]) {
        pages.iter().for_each(|page| check_write(page.as_ptr().cast(), PAGE_SIZE));
    }

    /// Returns whether this thread holds a guard, which disables the checks.
    #[cfg(feature = "std")]
    pub(crate) fn is_guarded() -> bool {
        UNCHECKED.get() > 0
    }
}
