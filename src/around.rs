//! Clearing of a range of which one page is about to be used.

use core::ops::Range;

use crate::clear::clear_pages_for;
use crate::intent::Intent;
use crate::page::{PAGE_SIZE, Page};

/// Bytes on either side of the hot page that stay in the cache with it: a program that faulted on
/// that page is likely to touch them next.
const NEIGHBOURHOOD: usize = 32 << 10;

/// Zeroes all pages and leaves page number `hot` in the cache, with 32 KiB on either side of it.
///
/// The other pages are cleared first, with [`Intent::Cold`], and page `hot` last. With 64 KiB
/// pages, `hot` alone stays in the cache. For page fault handlers that clear a huge page because
/// one byte was touched, as Linux does with the address hint of `folio_zero_user`.
///
/// # Panics
/// If `hot` is not less than the number of pages.
#[doc(alias = "folio_zero_user")]
#[doc(alias = "clear_huge_page")]
pub fn clear_pages_around(pages: &mut [Page], hot: usize) {
    let npages = pages.len();
    assert!(hot < npages, "clear_pages_around: no page {hot} in a range of {npages} pages");
    let Range { start, end } = neighbourhood(npages, hot);

    clear_pages_for(&mut pages[..start], Intent::Cold);
    clear_pages_for(&mut pages[end..], Intent::Cold);
    // `Auto` suits memory that is not in the cache now and is used next.
    clear_pages_for(&mut pages[start..hot], Intent::Auto);
    clear_pages_for(&mut pages[hot + 1..end], Intent::Auto);
    clear_pages_for(&mut pages[hot..=hot], Intent::Auto);
}

/// Returns the pages that stay in the cache, page number `hot` among them.
fn neighbourhood(npages: usize, hot: usize) -> Range<usize> {
    let reach = NEIGHBOURHOOD / PAGE_SIZE;
    hot.saturating_sub(reach)..(hot + reach + 1).min(npages)
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
