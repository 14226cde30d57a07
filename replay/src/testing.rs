//! Helpers of the tests.

use std::num::NonZeroUsize;

use clearpage::{PAGE_SIZE, Page};

use crate::arena::{Arena, Init};

/// Runs `test` with an arena of `bytes` bytes that are not zero.
pub fn with_arena<R>(bytes: u64, test: impl FnOnce(&Arena<'_>) -> R) -> R {
    let mut pages = garbage(bytes);
    test(&Arena::new(&mut pages, Init::Plan, NonZeroUsize::MIN))
}

pub fn garbage(bytes: u64) -> Vec<Page> {
    let mut pages = vec![Page::ZERO; (bytes as usize).div_ceil(PAGE_SIZE)];
    pages.iter_mut().for_each(|page| page.as_bytes_mut().fill(0xa5));
    pages
}
