//! Pages that lie anywhere: one call and one fence for all of them.

use core::ptr::NonNull;

use crate::door::{Clear, zero};
use crate::intent::Intent;
use crate::page::{PAGE_SIZE, Page};
use crate::primitive::Available;
use crate::raw;

/// Zeroes pages that lie anywhere, in any order, for what will be done with them next.
///
/// What is chosen is chosen for all of them together: cold pages are cleared by one non-temporal
/// stream with one fence, where a fence a page would cost two thirds of the throughput. Pages that
/// happen to follow one another are cleared as the one range that they are.
///
/// An empty list is a no-op. No page can be in the list twice: a page has one `&mut`.
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
    // SAFETY: a `&mut Page` is a pointer that is not null, aligned and valid for writes of a page.
    unsafe { raw::clear_scattered(core::slice::from_raw_parts(list, npages), intent) }
}

/// What [`clear_scattered`] does, on pointers, by the primitive for all of them `together`.
///
/// # Safety
/// Each pointer is aligned to a page and valid for writes of one.
pub(crate) unsafe fn clear_list(pages: &[NonNull<Page>], together: Available, intent: Intent) {
    if pages.is_empty() {
        return;
    }
    if let Some(leaf) = together.weak() {
        // SAFETY: there is a page; this CPU has the primitive; the rest is the caller's promise.
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
            // The run may cross from one allocation into another.
            page.as_ptr().expose_provenance();
        }
        // SAFETY: the run's pages follow one another, and each is the caller's promise.
        unsafe { raw::clear_pages_for(*first, run, intent) };
        rest = &rest[run..];
    }
}
