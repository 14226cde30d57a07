//! Clearing what was touched, and dropping what is cheaper to drop.

use std::ptr::NonNull;

use super::super::super::HUGE;
use super::super::{Done, Next, ResetError, clear};
use super::pagemap::{self, Run};
use super::{Range, release, whole};
use crate::dispatch::plan;
use crate::intent::Intent;
use crate::page::{PAGE_SHIFT, PAGE_SIZE, Page};
use crate::primitive::Store;
use crate::raw;

/// Clears what was touched.
///
/// # Safety
/// The range is anonymous, valid for writes and the caller's.
pub(super) unsafe fn touched(range: Range) -> Result<Done, ResetError> {
    if !pagemap::tells() {
        return Err(pagemap::UNAVAILABLE);
    }
    // SAFETY: the caller's promise.
    Ok(unsafe { sweep(range, |_| None) })
}

/// Clears or drops what was touched, whichever is cheaper; or clears all, where the system does not
/// tell what was touched.
///
/// # Safety
/// As [`touched`].
pub(super) unsafe fn cheapest(range: Range, next: Next) -> Done {
    if !pagemap::tells() {
        // SAFETY: the caller's promise.
        return unsafe { clear(range.page, range.npages) };
    }
    let drops = !range.is_tagged() && release::works();
    // SAFETY: the caller's promise.
    unsafe { sweep(range, |run| drop_by(run, next).filter(|_| drops)) }
}

/// The unit in which pages are to be dropped, or `None` if they are to be cleared: the break-even
/// in the documentation of the module.
fn drop_by(run: Run, next: Next) -> Option<usize> {
    match (run, next) {
        (Run { swapped: true, .. }, _) => Some(release::unit()),
        // A part of one costs as much as all of it, and the huge page with it.
        (Run { huge: true, .. }, Next::Idle) => Some(HUGE),
        _ => None,
    }
}

/// Takes each run of touched pages by what `drop_by` says of it.
///
/// # Safety
/// As [`touched`].
unsafe fn sweep(range: Range, drop_by: impl Fn(Run) -> Option<usize>) -> Done {
    let mut broom = Broom::new(range);
    let mut discarded = 0;
    let told = pagemap::walk(range.start, range.end, |run| {
        let mut dropped = run.start..run.start;
        if let Some(unit) = drop_by(run) {
            let part = whole(run.start, run.end, unit);
            let start = range.pointer(part.start);
            // SAFETY: whole pages of the range, by the caller's promise.
            if !part.is_empty() && unsafe { release::drop_pages(start, part.len()) }.is_ok() {
                discarded += part.len() >> PAGE_SHIFT;
                dropped = part;
            }
        }
        // SAFETY: the caller's promise.
        unsafe {
            broom.clear(run.start, dropped.start);
            broom.clear(dropped.end, run.end);
        }
    });
    // SAFETY: the caller's promise.
    unsafe {
        if let Err(untold) = told {
            broom.clear(untold, range.end);
        }
        broom.flush();
    }
    let cleared = broom.cleared;
    Done { cleared, discarded, untouched: range.npages - cleared - discarded }
}

/// Clears runs in the order of addresses: a long one at once, short ones together, under one fence.
struct Broom {
    range: Range,
    intent: Intent,
    /// The first page that was not looked at; a page of ours may be in two runs of the system's.
    at: usize,
    cleared: usize,
    short: [NonNull<Page>; Self::LIST],
    len: usize,
}

impl Broom {
    /// Pages of a list.
    const LIST: usize = 256;
    /// Pages of a run that is long.
    const LONG: usize = 16;

    fn new(range: Range) -> Self {
        // Each run may be short, and all of them together more than a cache holds.
        let intent = match plan(Intent::Auto, range.npages << PAGE_SHIFT).store() {
            Store::NonTemporal => Intent::Cold,
            Store::Temporal => Intent::Auto,
        };
        Self { range, intent, at: 0, cleared: 0, short: [range.page; Self::LIST], len: 0 }
    }

    /// Clears `start..end` and what else is of its pages, perhaps later.
    ///
    /// # Safety
    /// The range is the caller's and valid for writes; the addresses are in it.
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

    /// Clears what is on the list.
    ///
    /// # Safety
    /// As [`Broom::clear`].
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
    fn what_is_dropped() {
        let run = |huge, swapped| Run { start: 0, end: HUGE, huge, swapped };
        for next in [Next::Used, Next::Idle] {
            assert_eq!(drop_by(run(false, false), next), None);
            // It would be read from where it is, to be cleared.
            assert_eq!(drop_by(run(false, true), next), Some(release::unit()));
            assert_eq!(drop_by(run(true, true), next), Some(release::unit()));
        }
        assert_eq!(drop_by(run(true, false), Next::Used), None);
        assert_eq!(drop_by(run(true, false), Next::Idle), Some(HUGE));
    }

    /// Runs that meet in a page of ours, as where the system's is smaller.
    #[test]
    fn a_page_is_counted_once() {
        let mut pages = vec![Page::ZERO; 60];
        for page in &mut pages {
            page.as_bytes_mut().fill(0xa5);
        }
        let range = Range::new(NonNull::from(&mut pages[1]), 58);
        let mut broom = Broom::new(range);
        let half = PAGE_SIZE / 2;
        // Pages 0; 0 and 1; 3 to 5; 40 to 57, which is long.
        for (first, last) in [(0, 1), (1, 3), (7, 11), (81, 116)] {
            // SAFETY: in the range, which is this vector's.
            unsafe { broom.clear(range.start + first * half, range.start + last * half) };
        }
        // SAFETY: as above.
        unsafe { broom.flush() };
        assert_eq!(broom.cleared, 2 + 3 + 18);
        for (i, page) in pages.iter().enumerate() {
            let zero = matches!(i, 1 | 2 | 4..=6 | 41..=58);
            let byte = if zero { 0 } else { 0xa5 };
            assert!(page.as_bytes().iter().all(|&b| b == byte), "page {i}");
        }
    }
}
