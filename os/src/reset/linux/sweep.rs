//! Clears touched pages, or drops them if that is cheaper.

use std::ptr::NonNull;

use super::super::{ResetError, Reuse, Summary, clear};
use super::pagemap::{self, Run};
use super::{Range, release, whole};
use crate::HUGE;
use clearpage::{Intent, PAGE_SHIFT, PAGE_SIZE, Page, StoreKind, primitive_for, raw};

/// Clears the touched pages of a range.
///
/// # Safety
/// The range is anonymous, valid for writes and owned by the caller.
pub(super) unsafe fn touched(range: Range) -> Result<Summary, ResetError> {
    if !pagemap::reports() {
        return Err(pagemap::UNAVAILABLE);
    }
    // SAFETY: the caller's promise.
    Ok(unsafe { sweep(range, |_| None) })
}

/// Clears or drops the touched pages of a range, whichever is cheaper; clears all pages if the
/// system does not report which were touched.
///
/// # Safety
/// The promises of [`touched`].
pub(super) unsafe fn cheapest(range: Range, reuse: Reuse) -> Summary {
    if !pagemap::reports() {
        // SAFETY: the caller's promise.
        return unsafe { clear(range.page, range.npages) };
    }
    let drops = !range.is_tagged() && release::works();
    // SAFETY: the caller's promise.
    unsafe { sweep(range, |run| drop_by(run, reuse).filter(|_| drops)) }
}

/// Returns the unit in which to drop a run, or `None` to clear it, by the break-even in the
/// documentation of the module.
fn drop_by(run: Run, reuse: Reuse) -> Option<usize> {
    match (run, reuse) {
        (Run { swapped: true, .. }, _) => Some(release::unit()),
        // Dropping a part costs as much as dropping all, and loses the huge page.
        (Run { huge: true, .. }, Reuse::Unlikely) => Some(HUGE),
        _ => None,
    }
}

/// Drops or clears each run of touched pages, as `drop_by` decides.
///
/// # Safety
/// The promises of [`touched`].
unsafe fn sweep(range: Range, drop_by: impl Fn(Run) -> Option<usize>) -> Summary {
    let mut clearer = Clearer::new(range);
    let mut discarded = 0;
    let walked = pagemap::walk(range.start, range.end, |run| {
        let mut dropped = run.start..run.start;
        if let Some(unit) = drop_by(run) {
            let part = whole(run.start, run.end, unit);
            let start = range.pointer(part.start);
            // SAFETY: whole pages of the range, which the caller promises to be anonymous.
            if !part.is_empty() && unsafe { release::drop_pages(start, part.len()) }.is_ok() {
                discarded += part.len() >> PAGE_SHIFT;
                dropped = part;
            }
        }
        // SAFETY: the caller's promise, and the runs lie in the range.
        unsafe {
            clearer.clear(run.start, dropped.start);
            clearer.clear(dropped.end, run.end);
        }
    });
    // SAFETY: the caller's promise.
    unsafe {
        if let Err(unreported) = walked {
            clearer.clear(unreported, range.end);
        }
        clearer.flush();
    }
    let cleared = clearer.cleared;
    Summary { cleared, discarded, untouched: range.npages - cleared - discarded }
}

/// Clears runs in the order of addresses: long ones at once, short ones together with one fence.
struct Clearer {
    range: Range,
    intent: Intent,
    /// The page after the last cleared one: if system pages are smaller, two runs may share ours.
    at: usize,
    cleared: usize,
    short: [NonNull<Page>; Self::LIST],
    len: usize,
}

impl Clearer {
    /// Maximum number of pages on the list.
    const LIST: usize = 256;
    /// Minimum number of pages of a long run.
    const LONG: usize = 16;

    fn new(range: Range) -> Self {
        // Each run may be short, but all of them together may exceed the cache.
        let intent = match primitive_for(Intent::Auto, range.npages << PAGE_SHIFT).store() {
            StoreKind::NonTemporal => Intent::Cold,
            _ => Intent::Auto,
        };
        Self { range, intent, at: 0, cleared: 0, short: [range.page; Self::LIST], len: 0 }
    }

    /// Clears all pages that overlap `start..end`, now or in `flush`.
    ///
    /// # Safety
    /// The range is owned by the caller and valid for writes; the addresses are in it.
    unsafe fn clear(&mut self, start: usize, end: usize) {
        if start >= end {
            return;
        }
        let first = self.range.index(start).max(self.at);
        let last = self.range.index(end + PAGE_SIZE - 1);
        self.at = last;
        let npages = last - first;
        self.cleared += npages;
        // SAFETY: pages of the range, by the caller's promise.
        unsafe {
            if npages >= Self::LONG {
                raw::clear_pages_for(self.range.page.add(first), npages, self.intent);
                return;
            }
            for i in first..last {
                if self.len == Self::LIST {
                    self.flush();
                }
                self.short[self.len] = self.range.page.add(i);
                self.len += 1;
            }
        }
    }

    /// Clears the pages on the list.
    ///
    /// # Safety
    /// The promises of [`Clearer::clear`].
    unsafe fn flush(&mut self) {
        // SAFETY: pages of the range, by the caller's promise.
        unsafe { raw::clear_scattered(&self.short[..self.len], self.intent) };
        self.len = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swapped_out_pages_and_unlikely_reused_huge_pages_are_dropped() {
        let run = |huge, swapped| Run { start: 0, end: HUGE, huge, swapped };
        for reuse in [Reuse::Likely, Reuse::Unlikely] {
            assert_eq!(drop_by(run(false, false), reuse), None);
            // To be cleared, it would first be read from swap.
            assert_eq!(drop_by(run(false, true), reuse), Some(release::unit()));
            assert_eq!(drop_by(run(true, true), reuse), Some(release::unit()));
        }
        assert_eq!(drop_by(run(true, false), Reuse::Likely), None);
        assert_eq!(drop_by(run(true, false), Reuse::Unlikely), Some(HUGE));
    }

    /// As if the pages of the system were smaller than ours.
    #[test]
    fn a_page_of_two_runs_is_counted_once() {
        let mut pages = vec![Page::ZERO; 60];
        for page in &mut pages {
            page.as_bytes_mut().fill(0xa5);
        }
        let range = Range::new(NonNull::from(&mut pages[1]), 58);
        let mut clearer = Clearer::new(range);
        let half = PAGE_SIZE / 2;
        // Pages 0; 0 and 1; 3 to 5; and 40 to 57, a long run.
        for (first, last) in [(0, 1), (1, 3), (7, 11), (81, 116)] {
            // SAFETY: the addresses are in the range, which is part of this vector.
            unsafe { clearer.clear(range.start + first * half, range.start + last * half) };
        }
        // SAFETY: as above.
        unsafe { clearer.flush() };
        assert_eq!(clearer.cleared, 2 + 3 + 18);
        for (i, page) in pages.iter().enumerate() {
            let zero = matches!(i, 1 | 2 | 4..=6 | 41..=58);
            let byte = if zero { 0 } else { 0xa5 };
            assert!(page.as_bytes().iter().all(|&b| b == byte), "page {i}");
        }
    }
}
