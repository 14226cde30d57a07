//! clearpage inside real allocators: where each of them calls its hooks, what it knows of its
//! memory, and how often that spares a clear.
//!
//! | here | allocator | its books | known zero |
//! |---|---|---|---|
//! | [`buddy`] | page frames of buddy_system_allocator | apart from the memory | what the caller says |
//! | [`slab`] | equal slots, numbered by slab | apart | a slot that was wiped when it was freed |
//! | [`talc`] | talc, as global allocator | inside free blocks | nothing |
//! | [`dlmalloc`] | dlmalloc, over pages that come back | inside free blocks | pages that were never used |
//! | [`bump`] | bumpalo, reset and used again | behind each chunk | a chunk that was wiped at the reset |
//! | [`immix`] | blocks and lines of a collector | apart | lines that the sweeper wiped |
//!
//! Where the books are decides what `init_on_free` is worth at the next allocation: memory that an
//! allocator writes into while it is free is not zero any more, however well it was wiped.
//!
//! Each has a test of its name, by what is in [`check`], and an example that tells what was cleared:
//! `cargo run -p clearpage-allocators --example buddy`.

pub mod arena;
pub mod buddy;
pub mod bump;
pub mod dlmalloc;
pub mod immix;
pub mod slab;
pub mod talc;

pub use arena::{Arena, GARBAGE};

use clearpage::hooks::OpCounts;

/// What zeroes bytes: [`clearpage::raw::zero_bytes`], or in a test something that does it wrong.
pub type Clear = unsafe fn(*mut u8, usize, clearpage::Intent);

/// Counts one call that cleared, or did not clear, so many bytes.
fn count(side: &mut OpCounts, bytes: usize, cleared: bool) {
    let (calls, sum) = if cleared {
        (&mut side.clears, &mut side.cleared_bytes)
    } else {
        (&mut side.skips, &mut side.skipped_bytes)
    };
    *calls += 1;
    *sum += bytes as u64;
}
