//! Raw-pointer counterparts of the functions at the crate root, for allocators and kernels.
//!
//! If the length is 0, the call is a no-op for any pointer. If a range is longer than
//! `isize::MAX` bytes, the limit of an allocation, the call panics. Pointers to pages must be
//! page-aligned; only builds with debug assertions check that.

use core::ptr::NonNull;

use crate::arch;
use crate::door::{Clear, zero};
use crate::intent::Intent;
use crate::page::{PAGE_SHIFT, PAGE_SIZE, Page};
use crate::plan::primitive_for;
use crate::primitive::AvailablePrimitive;

/// Zeroes one page.
///
/// # Safety
/// `page` is page-aligned and valid for writes of one page.
#[inline]
pub unsafe fn clear_page(page: NonNull<Page>) {
    debug_assert!(page.is_aligned(), "clear_page: {page:p} is not page-aligned");
    let primitive = primitive_for(Intent::Auto, PAGE_SIZE);
    // SAFETY: the caller's promise; a page is a multiple of every block.
    unsafe { zero(Clear::Blocks(primitive, page.as_ptr().cast(), PAGE_SIZE)) }
}

/// Zeroes `npages` contiguous pages that start at `page`.
///
/// # Safety
/// If `npages` is not 0, `page` is page-aligned and valid for writes of `npages` pages.
#[inline]
pub unsafe fn clear_pages(page: NonNull<Page>, npages: usize) {
    // SAFETY: the caller's promise.
    unsafe { clear_pages_for(page, npages, Intent::Auto) }
}

/// Zeroes `npages` contiguous pages that start at `page`, with the primitive for `intent`.
///
/// # Safety
/// If `npages` is not 0, `page` is page-aligned and valid for writes of `npages` pages.
#[inline]
pub unsafe fn clear_pages_for(page: NonNull<Page>, npages: usize, intent: Intent) {
    debug_assert!(npages == 0 || page.is_aligned(), "clear_pages: {page:p} is not page-aligned");
    if npages > isize::MAX as usize >> PAGE_SHIFT {
        too_long("clear_pages", npages, "pages");
    }
    let len = npages << PAGE_SHIFT;
    // SAFETY: the caller's promise; a page is a multiple of every block.
    unsafe { zero(Clear::Blocks(primitive_for(intent, len), page.as_ptr().cast(), len)) }
}

/// Zeroes a list of pages at any addresses, such as that of a bulk page allocator. Otherwise like
/// [`clear_scattered`]. A page that is listed twice is cleared twice.
///
/// [`clear_scattered`]: crate::clear_scattered
///
/// # Safety
/// Each pointer is page-aligned and valid for writes of one page.
pub unsafe fn clear_scattered(pages: &[NonNull<Page>], intent: Intent) {
    debug_assert!(
        pages.iter().all(|page| page.is_aligned()),
        "clear_scattered: a page is not page-aligned"
    );
    // A list with duplicates can add up to more bytes than the address space has.
    let together = primitive_for(intent, pages.len().saturating_mul(PAGE_SIZE));
    // SAFETY: the caller's promise.
    unsafe { clear_list(pages, together, intent) }
}

/// Does the work of [`clear_scattered`]; `together` is the primitive for the total length.
///
/// # Safety
/// Each pointer is page-aligned and valid for writes of one page.
pub(crate) unsafe fn clear_list(
    pages: &[NonNull<Page>],
    together: AvailablePrimitive,
    intent: Intent,
) {
    if pages.is_empty() {
        return;
    }
    if let Some(leaf) = together.weak() {
        // SAFETY: the list is not empty, `together` is available; the rest the caller promises.
        unsafe { zero(Clear::Pages(leaf, pages)) };
        return;
    }
    let mut rest = pages;
    while let Some(first) = rest.first() {
        let follow = |pair: &&[NonNull<Page>]| {
            pair[0].addr().get().wrapping_add(PAGE_SIZE) == pair[1].addr().get()
        };
        let run = 1 + rest.windows(2).take_while(follow).count();
        for page in &rest[..run] {
            // The run may span allocations, so `first` alone lacks the provenance for all of it.
            page.as_ptr().expose_provenance();
        }
        // SAFETY: the pages of the run are adjacent, and the caller promises that each is valid.
        unsafe { clear_pages_for(*first, run, intent) };
        rest = &rest[run..];
    }
}

/// Zeroes `len` bytes at `ptr`, of any alignment, with the primitive for `intent`.
///
/// # Safety
/// If `len` is not 0, `ptr` is valid for writes of `len` bytes.
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

/// Does the work of [`zero_bytes`] for more than [`arch::SHORT`] bytes.
///
/// # Safety
/// `ptr` is valid for writes of `len` bytes, which are more than [`arch::SHORT`].
#[inline(never)]
unsafe fn zero_more(ptr: *mut u8, len: usize, intent: Intent) {
    // SAFETY: the caller's promise. Without this hint, `zero_small` would compare again.
    unsafe { core::hint::assert_unchecked(len > arch::SHORT) };
    if arch::is_short(len) {
        // SAFETY: the caller's promise.
        unsafe { zero(Clear::Short(ptr, len)) }
    } else {
        // SAFETY: the caller's promise.
        unsafe { zero_long(ptr, len, intent) }
    }
}

/// Does the work of [`zero_bytes`] with the plan's primitive. It is out of line so that short
/// lengths do not pay for the registers that it saves on the stack.
///
/// # Safety
/// Those of [`zero_bytes`].
#[inline(never)]
unsafe fn zero_long(ptr: *mut u8, len: usize, intent: Intent) {
    if len > isize::MAX as usize {
        too_long("zero_bytes", len, "bytes");
    }
    // SAFETY: the caller's promise.
    unsafe { zero(Clear::Bytes(primitive_for(intent, len), ptr, len)) }
}

#[cold]
fn too_long(call: &str, n: usize, unit: &str) -> ! {
    panic!("{call}: {n} {unit} are more than an allocation can hold ({} bytes)", isize::MAX)
}
