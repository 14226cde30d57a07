//! Safe functions on references, each a wrapper around its counterpart in [`raw`].

use core::mem::MaybeUninit;
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
#[doc(alias = "memset")]
#[doc(alias = "bzero")]
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
