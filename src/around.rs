//! A range of which one page is about to be touched.

use crate::clear::clear_pages_for;
use crate::intent::Intent;
use crate::page::{PAGE_SIZE, Page};

/// Bytes before and behind the hot page that are kept in the cache with it: what a program that
/// faulted there is likely to touch next.
const NEIGHBOURHOOD: usize = 32 << 10;

/// Zeroes all pages; page number `hot` and its neighbourhood, 32 KiB on either side, come last and
/// stay in the cache, the others go past it.
///
/// For the fault handler that clears a huge page because one byte of it was touched, as Linux does
/// with the address hint of `folio_zero_user`.
///
/// # Panics
/// If there is no page number `hot`.
#[doc(alias = "folio_zero_user")]
#[doc(alias = "clear_huge_page")]
pub fn clear_pages_around(pages: &mut [Page], hot: usize) {
    let npages = pages.len();
    assert!(hot < npages, "clear_pages_around: no page {hot} in a range of {npages} pages");
    let reach = NEIGHBOURHOOD / PAGE_SIZE;
    let (from, to) = (hot.saturating_sub(reach), (hot + reach + 1).min(npages));

    clear_pages_for(&mut pages[..from], Intent::Cold);
    clear_pages_for(&mut pages[to..], Intent::Cold);
    // Auto is what suits memory that is cold now and used next.
    clear_pages_for(&mut pages[from..hot], Intent::Auto);
    clear_pages_for(&mut pages[hot + 1..to], Intent::Auto);
    clear_pages_for(&mut pages[hot..=hot], Intent::Auto);
}
