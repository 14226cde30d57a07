//! The same on pointers, for allocators and kernels that hold no reference.
//!
//! 0 pages or bytes are a no-op, of any pointer. A range longer than `isize::MAX` bytes is no
//! allocation: it is refused with a panic. Alignment is the caller's promise, checked in builds
//! with debug assertions.

use core::ptr::NonNull;

use crate::door::{Clear, zero};
use crate::intent::Intent;
use crate::page::{PAGE_SHIFT, PAGE_SIZE, Page};
use crate::{arch, dispatch, scattered};

/// Zeroes one page.
///
/// # Safety
/// `page` is aligned to a page and valid for writes of one.
#[inline]
pub unsafe fn clear_page(page: NonNull<Page>) {
    debug_assert!(page.is_aligned(), "clear_page: {page:p} is not page-aligned");
    let primitive = dispatch::choose(Intent::Auto, PAGE_SIZE);
    // SAFETY: the caller's promise; a page is a multiple of every block.
    unsafe { zero(Clear::Blocks(primitive, page.as_ptr().cast(), PAGE_SIZE)) }
}

/// Zeroes `npages` pages from `page` on.
///
/// # Safety
/// `page` is aligned to a page and valid for writes of `npages` pages; if that is 0 it may be
/// anything.
///
/// # Panics
/// If `npages` pages are more than `isize::MAX` bytes.
#[inline]
pub unsafe fn clear_pages(page: NonNull<Page>, npages: usize) {
    // SAFETY: the caller's promise.
    unsafe { clear_pages_for(page, npages, Intent::Auto) }
}

/// Zeroes `npages` pages from `page` on, for `intent`.
///
/// # Safety
/// `page` is aligned to a page and valid for writes of `npages` pages; if that is 0 it may be
/// anything.
///
/// # Panics
/// If `npages` pages are more than `isize::MAX` bytes.
#[inline]
pub unsafe fn clear_pages_for(page: NonNull<Page>, npages: usize, intent: Intent) {
    debug_assert!(npages == 0 || page.is_aligned(), "clear_pages: {page:p} is not page-aligned");
    if npages > isize::MAX as usize >> PAGE_SHIFT {
        too_long("clear_pages", npages, "pages");
    }
    let len = npages << PAGE_SHIFT;
    // SAFETY: the caller's promise; a page is a multiple of every block.
    unsafe { zero(Clear::Blocks(dispatch::choose(intent, len), page.as_ptr().cast(), len)) }
}

/// Zeroes pages that lie anywhere, as a bulk page allocator lists them: [`clear_scattered`] on
/// pointers. A page that is listed twice is cleared twice.
///
/// [`clear_scattered`]: crate::clear_scattered
///
/// # Safety
/// Each pointer is aligned to a page and valid for writes of one.
pub unsafe fn clear_scattered(pages: &[NonNull<Page>], intent: Intent) {
    debug_assert!(
        pages.iter().all(|page| page.is_aligned()),
        "clear_scattered: a page is not page-aligned"
    );
    // A list may name a page twice, and so more bytes than there are.
    let together = dispatch::choose(intent, pages.len().saturating_mul(PAGE_SIZE));
    // SAFETY: the caller's promise.
    unsafe { scattered::clear_list(pages, together, intent) }
}

/// Zeroes `len` bytes at `ptr`, of any alignment, for `intent`.
///
/// # Safety
/// `ptr` is valid for writes of `len` bytes; if `len` is 0 it may be anything.
///
/// # Panics
/// If `len` is more than `isize::MAX`.
#[inline]
pub unsafe fn zero_bytes(ptr: *mut u8, len: usize, intent: Intent) {
    if len <= arch::SHORT {
        // SAFETY: the caller's promise.
        unsafe { zero(Clear::Short(ptr, len)) }
    } else {
        // SAFETY: the caller's promise.
        unsafe { zero_more(ptr, len, intent) }
    }
}

/// [`zero_bytes`] of more than [`arch::SHORT`] bytes.
///
/// # Safety
/// `ptr` is valid for writes of `len` bytes, which are more than [`arch::SHORT`].
#[inline(never)]
unsafe fn zero_more(ptr: *mut u8, len: usize, intent: Intent) {
    // SAFETY: the caller's promise, without which `zero_small` would compare again.
    unsafe { core::hint::assert_unchecked(len > arch::SHORT) };
    if arch::is_short(len) {
        // SAFETY: the caller's promise.
        unsafe { zero(Clear::Short(ptr, len)) }
    } else {
        // SAFETY: the caller's promise.
        unsafe { zero_long(ptr, len, intent) }
    }
}

/// [`zero_bytes`] by the plan, apart from it: what a function saves on the stack are stores too,
/// and short lengths would pay for them.
///
/// # Safety
/// Those of [`zero_bytes`].
#[inline(never)]
unsafe fn zero_long(ptr: *mut u8, len: usize, intent: Intent) {
    if len > isize::MAX as usize {
        too_long("zero_bytes", len, "bytes");
    }
    // SAFETY: the caller's promise.
    unsafe { zero(Clear::Bytes(dispatch::choose(intent, len), ptr, len)) }
}

#[cold]
fn too_long(call: &str, n: usize, unit: &str) -> ! {
    panic!("{call}: {n} {unit} are more than an allocation can hold ({} bytes)", isize::MAX)
}
