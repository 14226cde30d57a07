//! AddressSanitizer: in a build with it (`-Zsanitizer=address`) a range is checked before it is
//! cleared, as its own memset would check it; asm it cannot see into. In other builds there is
//! nothing.

#[cfg(clearpage_asan)]
pub(crate) use on::*;

#[cfg(not(clearpage_asan))]
pub(crate) use off::*;

/// Nobody checks.
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
        if is_guarded() {
            return;
        }
        if len > 0 {
            __asan_storeN(untag(ptr.addr()), len);
        }
    }

    /// [`check_write`] of each of them.
    pub(crate) fn check_pages(pages: &[NonNull<Page>]) {
        pages.iter().for_each(|page| check_write(page.as_ptr().cast(), PAGE_SIZE));
    }

    /// Whether this thread holds a guard, so that it is not checked.
    #[cfg(feature = "std")]
    pub(crate) fn is_guarded() -> bool {
        UNCHECKED.get() > 0
    }
}
