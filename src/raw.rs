//! Raw-pointer counterparts of the functions at the crate root, for allocators and kernels.
//!
//! If the length is 0, the call is a no-op for any pointer. If a range is longer than
//! `isize::MAX` bytes, the limit of an allocation, the call panics. Pointers to pages must be
//! page-aligned; only builds with debug assertions check that.

use core::num::NonZeroUsize;
use core::ops::{ControlFlow, Range};
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
    let len = bytes(npages);
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

/// Zeroes `npages` contiguous pages in chunks of `chunk` pages and returns the number of cleared
/// pages. Otherwise like [`clear_pages_chunked`](crate::clear_pages_chunked).
///
/// # Safety
/// If `npages` is not 0, `page` is page-aligned and valid for writes of `npages` pages. `between` may
/// read and write those that are cleared.
///
/// # Panics
/// If `npages` pages are more than `isize::MAX` bytes.
pub unsafe fn clear_pages_chunked(
    page: NonNull<Page>,
    npages: usize,
    chunk: NonZeroUsize,
    intent: Intent,
    mut between: impl FnMut(usize) -> ControlFlow<()>,
) -> usize {
    let primitive = primitive_for(intent, bytes(npages));
    let mut cleared = 0;
    while cleared < npages && (cleared == 0 || between(cleared).is_continue()) {
        let n = chunk.get().min(npages - cleared);
        // SAFETY: the caller's promise: these are `n` of its pages.
        unsafe {
            let first = page.add(cleared).as_ptr().cast();
            zero(Clear::Blocks(primitive, first, n << PAGE_SHIFT));
        }
        cleared += n;
    }
    cleared
}

/// Bytes on either side of the hot page that stay in the cache with it: a program that faulted on
/// that page is likely to touch them next.
const NEIGHBOURHOOD: usize = 32 << 10;

/// Zeroes `npages` contiguous pages and leaves page number `hot` in the cache, with 32 KiB on either
/// side of it. Otherwise like [`clear_pages_around`](crate::clear_pages_around).
///
/// # Safety
/// `page` is page-aligned and valid for writes of `npages` pages.
///
/// # Panics
/// If `hot` is not less than `npages`, or if `npages` pages are more than `isize::MAX` bytes.
pub unsafe fn clear_pages_around(page: NonNull<Page>, npages: usize, hot: usize) {
    assert!(hot < npages, "clear_pages_around: the hot page is not one of the pages");
    bytes(npages);
    let Range { start, end } = neighbourhood(npages, hot);
    // `Auto` suits memory that is not in the cache now and is used next.
    for (pages, intent) in [
        (0..start, Intent::Cold),
        (end..npages, Intent::Cold),
        (start..hot, Intent::Auto),
        (hot + 1..end, Intent::Auto),
        (hot..hot + 1, Intent::Auto),
    ] {
        // SAFETY: the caller's promise: these are some of its pages.
        unsafe { clear_pages_for(page.add(pages.start), pages.len(), intent) };
    }
}

/// Returns the pages that stay in the cache, page number `hot` among them.
fn neighbourhood(npages: usize, hot: usize) -> Range<usize> {
    let reach = NEIGHBOURHOOD / PAGE_SIZE;
    hot.saturating_sub(reach)..(hot + reach + 1).min(npages)
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
        too_long();
    }
    // SAFETY: the caller's promise.
    unsafe { zero(Clear::Bytes(primitive_for(intent, len), ptr, len)) }
}

/// Returns the length of `npages` pages in bytes.
#[inline]
fn bytes(npages: usize) -> usize {
    if npages > isize::MAX as usize >> PAGE_SHIFT {
        too_long();
    }
    npages << PAGE_SHIFT
}

/// The message has no number: formatting one would be most of the code of a small kernel.
#[cold]
fn too_long() -> ! {
    panic!("the range is longer than isize::MAX bytes, the limit of an allocation")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_two_kib_on_either_side_stay_in_the_cache() {
        let reach = (32 << 10) / PAGE_SIZE;
        assert_eq!(neighbourhood(512, 100), 100 - reach..101 + reach);
        assert_eq!(neighbourhood(512, 0), 0..1 + reach);
        assert_eq!(neighbourhood(512, 511), 511 - reach..512);
        assert_eq!(neighbourhood(1, 0), 0..1);
    }
}
