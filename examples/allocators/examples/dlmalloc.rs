//! Allocates a long block repeatedly. Prints what is cleared for fresh and for reused pages.

use std::alloc::{GlobalAlloc, Layout};
use std::error::Error;

use clearpage::PAGE_SIZE;
use clearpage::hooks::{ClearingAlloc, Counters, InitPolicy};
use clearpage_allocators::Arena;
use clearpage_allocators::dlmalloc::{Heap, Pages};

fn main() -> Result<(), Box<dyn Error>> {
    let arena = Arena::zeroed((64 << 20) / PAGE_SIZE);
    // SAFETY: only these pages use the arena, which is zero and outlives them.
    let pages = unsafe { Pages::new(arena.base().cast(), arena.size() / PAGE_SIZE, arena.map()) };
    let alloc = ClearingAlloc::with_stats(Heap::new(pages), Counters::new());
    let alloc = alloc.with_policy(InitPolicy::ON_ALLOC);
    let layout = Layout::from_size_align(2 << 20, 64)?;
    for (call, zeroed) in [("calloc", true), ("calloc", true), ("malloc", false), ("calloc", true)]
    {
        let before = (alloc.inner().counts(), alloc.stats().read().on_alloc);
        // SAFETY: the size is not 0, and the block is freed once.
        unsafe {
            let block = if zeroed { alloc.alloc_zeroed(layout) } else { alloc.alloc(layout) };
            if block.is_null() {
                return Err("out of memory".into());
            }
            alloc.dealloc(block, layout);
        }
        let after = (alloc.inner().counts(), alloc.stats().read().on_alloc);
        println!(
            "{call}(2 MiB) under init_on_alloc: {} KiB cleared by the pages, {} KiB around the heap",
            (after.0.cleared_bytes - before.0.cleared_bytes) >> 10,
            (after.1.cleared_bytes - before.1.cleared_bytes) >> 10
        );
    }
    Ok(())
}
