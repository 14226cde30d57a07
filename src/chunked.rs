//! Clearing that others may interrupt.

use core::num::NonZeroUsize;
use core::ops::ControlFlow;

use crate::dispatch::choose;
use crate::intent::Intent;
use crate::page::Page;

/// Zeroes pages `npages` at a time and calls `between` after each chunk but the last, with the
/// number of pages cleared so far; stops there if it says [`ControlFlow::Break`]. Returns how many
/// pages are cleared: all of them, or those up to the stop; the others are untouched.
///
/// For callers that must let others run, answer a signal or give up when the memory is no longer
/// wanted. **Not for atomic context**: what `between` is there for (`cond_resched`, a lock's
/// release, a yield) is just what may not happen where the caller must not sleep, which is why
/// Linux has no such loop in its page allocator; clear in one call there.
///
/// The primitive is the one for the whole range. Chunks cost little with vector and non-temporal
/// stores; but a `rep stosb` shorter than the last-level cache reads what it overwrites, so where
/// that serves long ranges, chunks of less than the cache give its advantage away.
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
