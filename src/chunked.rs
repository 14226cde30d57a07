//! Clearing in chunks, with a callback between them.

use core::num::NonZeroUsize;
use core::ops::ControlFlow;

use crate::dispatch::choose;
use crate::intent::Intent;
use crate::page::Page;

/// Zeroes pages in chunks of `npages` and returns the number of cleared pages.
///
/// Between two chunks it calls `between` with the number of pages cleared so far. If that returns
/// [`ControlFlow::Break`], it stops; the remaining pages are unchanged.
///
/// For callers that must stay preemptible, handle signals or cancel the clear. **Not for atomic
/// context**: what `between` is for (`cond_resched`, releasing a lock, yielding) is forbidden
/// there. Linux has no such loop in its page allocator for that reason. Use one call instead.
///
/// The length of the whole range selects the primitive. Chunks cost little with vector and
/// non-temporal stores. A `rep stosb` shorter than the last-level cache reads what it overwrites:
/// if it serves the range, chunks shorter than that cache lose its advantage.
///
/// ```
/// use clearpage::{Intent, Page};
/// use std::{num::NonZeroUsize, ops::ControlFlow};
///
/// let mut pages = vec![Page::ZERO; 100];
/// let chunk = NonZeroUsize::new(32).unwrap();
/// let cleared = clearpage::clear_pages_chunked(&mut pages, chunk, Intent::Cold, |_done| {
///     std::thread::yield_now();
///     ControlFlow::Continue(())
/// });
/// assert_eq!(cleared, 100);
/// ```
#[doc(alias = "cond_resched")]
pub fn clear_pages_chunked(
    pages: &mut [Page],
    npages: NonZeroUsize,
    intent: Intent,
    mut between: impl FnMut(usize) -> ControlFlow<()>,
) -> usize {
    let primitive = choose(intent, size_of_val(pages));
    let mut cleared = 0;
    for chunk in pages.chunks_mut(npages.get()) {
        if cleared > 0 && between(cleared).is_break() {
            break;
        }
        primitive.clear_pages(chunk);
        cleared += chunk.len();
    }
    cleared
}
