//! The safe faces: references in, and nothing that can go wrong.

use core::mem::MaybeUninit;
use core::ptr::NonNull;

use crate::intent::Intent;
use crate::page::Page;
use crate::raw;

/// Zeroes one page.
#[doc(alias = "memzero_page")]
#[inline]
pub fn clear_page(page: &mut Page) {
    // SAFETY: a reference is aligned and valid for writes.
    unsafe { raw::clear_page(NonNull::from(page)) }
}

/// Zeroes contiguous pages in one call of the primitive that is best for their number.
///
/// The same as [`clear_pages_for`] with [`Intent::Auto`].
#[doc(alias = "kernel_init_pages")]
#[inline]
pub fn clear_pages(pages: &mut [Page]) {
    clear_pages_for(pages, Intent::Auto);
}

/// Zeroes contiguous pages for what will be done with them next.
#[inline]
pub fn clear_pages_for(pages: &mut [Page], intent: Intent) {
    // SAFETY: a slice is aligned and valid for writes of all its pages.
    unsafe { raw::clear_pages_for(NonNull::from(&mut *pages).cast(), pages.len(), intent) }
}

/// Zeroes bytes of any number and alignment.
#[doc(alias = "memset")]
#[doc(alias = "bzero")]
#[inline]
pub fn zero_bytes(bytes: &mut [u8], intent: Intent) {
    // SAFETY: a slice is valid for writes of all its bytes.
    unsafe { raw::zero_bytes(bytes.as_mut_ptr(), bytes.len(), intent) }
}

/// [`clear_page`] on memory not yet initialised; returns the page, which now is.
#[inline]
pub fn clear_page_uninit(page: &mut MaybeUninit<Page>) -> &mut Page {
    // SAFETY: as in `clear_page`; afterwards every byte of the page is written.
    unsafe {
        raw::clear_page(NonNull::from(&mut *page).cast());
        page.assume_init_mut()
    }
}

/// [`clear_pages`] on memory not yet initialised; returns the pages, which now are.
#[inline]
pub fn clear_pages_uninit(pages: &mut [MaybeUninit<Page>]) -> &mut [Page] {
    clear_pages_uninit_for(pages, Intent::Auto)
}

/// [`clear_pages_for`] on memory not yet initialised; returns the pages, which now are.
#[inline]
pub fn clear_pages_uninit_for(pages: &mut [MaybeUninit<Page>], intent: Intent) -> &mut [Page] {
    // SAFETY: as in `clear_pages_for`; afterwards every page is written, and MaybeUninit<Page>
    // has the layout of Page.
    unsafe {
        raw::clear_pages_for(NonNull::from(&mut *pages).cast(), pages.len(), intent);
        &mut *(core::ptr::from_mut(pages) as *mut [Page])
    }
}

/// [`zero_bytes`] on memory not yet initialised; returns the bytes, which now are.
#[inline]
pub fn zero_bytes_uninit(bytes: &mut [MaybeUninit<u8>], intent: Intent) -> &mut [u8] {
    // SAFETY: as in `zero_bytes`; afterwards every byte is written, and MaybeUninit<u8> has the
    // layout of u8.
    unsafe {
        raw::zero_bytes(bytes.as_mut_ptr().cast(), bytes.len(), intent);
        &mut *(core::ptr::from_mut(bytes) as *mut [u8])
    }
}
