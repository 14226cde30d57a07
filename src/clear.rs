//! The safe functions at the crate root: contiguous pages, bytes, pages at any addresses, around a
//! page in use, and in chunks.

use core::mem::MaybeUninit;
use core::num::NonZeroUsize;
use core::ops::ControlFlow;
use core::ptr::NonNull;

use crate::intent::Intent;
use crate::page::Page;
use crate::raw;

/// Zeroes one page.
#[doc(alias = "memzero_page")]
#[inline]
pub fn clear_page(page: &mut Page) {
    // SAFETY: a `&mut Page` is aligned and valid for writes.
    unsafe { raw::clear_page(NonNull::from(page)) }
}

/// Zeroes contiguous pages with the fastest primitive for their total length.
///
/// Equivalent to [`clear_pages_for`] with [`Intent::Auto`].
#[doc(alias = "kernel_init_pages")]
#[inline]
pub fn clear_pages(pages: &mut [Page]) {
    clear_pages_for(pages, Intent::Auto);
}

/// Zeroes contiguous pages with the primitive for their total length and intended use.
#[inline]
pub fn clear_pages_for(pages: &mut [Page], intent: Intent) {
    // SAFETY: a slice is aligned and valid for writes of all its pages.
    unsafe { raw::clear_pages_for(NonNull::from(&mut *pages).cast(), pages.len(), intent) }
}

/// Zeroes a slice of any length and alignment.
#[doc(alias("memset", "bzero"))]
#[inline]
pub fn zero_bytes(bytes: &mut [u8], intent: Intent) {
    // SAFETY: a slice is valid for writes of all its bytes.
    unsafe { raw::zero_bytes(bytes.as_mut_ptr(), bytes.len(), intent) }
}

/// Zeroes one uninitialised page, as [`clear_page`] does, and returns it as initialised.
#[inline]
pub fn clear_page_uninit(page: &mut MaybeUninit<Page>) -> &mut Page {
    // SAFETY: the reference is aligned and valid for writes, and the call writes every byte of it.
    unsafe {
        raw::clear_page(NonNull::from(&mut *page).cast());
        page.assume_init_mut()
    }
}

/// Zeroes uninitialised pages, as [`clear_pages`] does, and returns them as initialised.
#[inline]
pub fn clear_pages_uninit(pages: &mut [MaybeUninit<Page>]) -> &mut [Page] {
    clear_pages_uninit_for(pages, Intent::Auto)
}

/// Zeroes uninitialised pages, as [`clear_pages_for`] does, and returns them as initialised.
#[inline]
pub fn clear_pages_uninit_for(pages: &mut [MaybeUninit<Page>], intent: Intent) -> &mut [Page] {
    // SAFETY: the slice is aligned and valid for writes, the call writes every byte of it, and
    // MaybeUninit<Page> has the layout of Page.
    unsafe {
        raw::clear_pages_for(NonNull::from(&mut *pages).cast(), pages.len(), intent);
        &mut *(core::ptr::from_mut(pages) as *mut [Page])
    }
}

/// Zeroes uninitialised bytes, as [`zero_bytes`] does, and returns them as initialised.
#[inline]
pub fn zero_bytes_uninit(bytes: &mut [MaybeUninit<u8>], intent: Intent) -> &mut [u8] {
    // SAFETY: the slice is valid for writes, the call writes every byte of it, and
    // MaybeUninit<u8> has the layout of u8.
    unsafe {
        raw::zero_bytes(bytes.as_mut_ptr().cast(), bytes.len(), intent);
        &mut *(core::ptr::from_mut(bytes) as *mut [u8])
    }
}

/// Zeroes pages at any addresses, listed in any order.
///
/// The intent and the total length select the primitive. If its stores are weakly ordered, as
/// most non-temporal stores are, it clears the list with one fence: a fence for each page would
/// cost two thirds of the throughput. Otherwise each run of adjacent pages is cleared by the
/// primitive for its length. An empty list is a no-op.
///
/// ```
/// use clearpage::{Intent, Page};
///
/// let mut pages = vec![Page::ZERO; 8];
/// let mut odd: Vec<&mut Page> = pages.iter_mut().skip(1).step_by(2).collect();
/// clearpage::clear_scattered(&mut odd, Intent::Cold);
/// ```
#[doc(alias = "alloc_pages_bulk")]
pub fn clear_scattered(pages: &mut [&mut Page], intent: Intent) {
    let (list, npages) = (pages.as_mut_ptr().cast::<NonNull<Page>>(), pages.len());
    // SAFETY: `&mut Page` has the layout of `NonNull<Page>`, is aligned and valid for writes.
    unsafe { raw::clear_scattered(core::slice::from_raw_parts(list, npages), intent) }
}

/// Zeroes pages in chunks of `npages` and returns the number of cleared pages.
///
/// Between two chunks it calls `between` with the number of pages cleared so far. If that returns
/// [`ControlFlow::Break`], it stops; the remaining pages are unchanged.
///
/// For callers that must stay preemptible, handle signals or cancel the clear. **Not for atomic
/// context**: what `between` is for (`cond_resched`, releasing a lock, yielding) is forbidden
/// there. Linux has no such loop in its page allocator for that reason. Use one call instead.
///
/// The length of the whole range selects the primitive. Chunks cost little with vector and
/// non-temporal stores. A `rep stosb` shorter than the last-level cache reads what it overwrites:
/// if it serves the range, chunks shorter than that cache lose its advantage.
///
/// ```
/// use clearpage::{Intent, Page};
/// use std::{num::NonZeroUsize, ops::ControlFlow};
///
/// let mut pages = vec![Page::ZERO; 100];
/// let chunk = NonZeroUsize::new(32).unwrap();
/// let cleared = clearpage::clear_pages_chunked(&mut pages, chunk, Intent::Cold, |_done| {
///     std::thread::yield_now();
///     ControlFlow::Continue(())
/// });
/// assert_eq!(cleared, 100);
/// ```
#[doc(alias = "cond_resched")]
pub fn clear_pages_chunked(
    pages: &mut [Page],
    npages: NonZeroUsize,
    intent: Intent,
    between: impl FnMut(usize) -> ControlFlow<()>,
) -> usize {
    let (first, all) = (NonNull::from(&mut *pages).cast(), pages.len());
    // SAFETY: the slice is borrowed for writes.
    unsafe { raw::clear_pages_chunked(first, all, npages, intent, between) }
}

/// Zeroes all pages and leaves page number `hot` in the cache, with 32 KiB on either side of it.
///
/// The other pages are cleared first, with [`Intent::Cold`], and page `hot` last. With 64 KiB
/// pages, `hot` alone stays in the cache. For page fault handlers that clear a huge page because
/// one byte was touched, as Linux does with the address hint of `folio_zero_user`.
///
/// # Panics
/// If `hot` is not less than the number of pages.
#[doc(alias("folio_zero_user", "clear_huge_page"))]
pub fn clear_pages_around(pages: &mut [Page], hot: usize) {
    // SAFETY: the slice is borrowed for writes.
    unsafe { raw::clear_pages_around(NonNull::from(&mut *pages).cast(), pages.len(), hot) }
}
