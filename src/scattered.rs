//! Clearing of pages at unrelated addresses.

use core::ptr::NonNull;

use crate::door::{Clear, zero};
use crate::intent::Intent;
use crate::page::{PAGE_SIZE, Page};
use crate::primitive::Available;
use crate::raw;

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

/// Does the work of [`clear_scattered`]; `together` is the primitive for the total length.
///
/// # Safety
/// Each pointer is page-aligned and valid for writes of one page.
pub(crate) unsafe fn clear_list(pages: &[NonNull<Page>], together: Available, intent: Intent) {
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
        unsafe { raw::clear_pages_for(*first, run, intent) };
        rest = &rest[run..];
    }
}
