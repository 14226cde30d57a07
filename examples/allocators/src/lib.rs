//! Six allocators with the hooks of clearpage: where each calls them, and which clears it can skip.
//!
//! | module | allocator | metadata | skips the clear of |
//! |---|---|---|---|
//! | [`buddy`] | page frames of buddy_system_allocator | outside the memory | blocks that the caller knows to be zero |
//! | [`slab`] | equal slots, numbered by slab | outside | slots that were cleared when they were freed |
//! | [`talc`] | talc, as global allocator | in free blocks | nothing |
//! | [`dlmalloc`] | dlmalloc over reused pages | in free blocks | pages that were never used |
//! | [`bump`] | bumpalo, reset and used again | after each chunk | bytes that the reset cleared |
//! | [`immix`] | blocks and lines of a collector | outside | lines that the sweeper cleared |
//!
//! The location of the metadata decides whether `init_on_free` spares a clear at the next
//! allocation: if an allocator writes to free memory, that memory is no longer known to be zero.
//!
//! Each module has a test, and an example that prints what was cleared:
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

/// A function that zeroes bytes: [`clearpage::raw::zero_bytes`], or a wrong one in a test.
pub type Clear = unsafe fn(*mut u8, usize, clearpage::Intent);

/// Counts one call that cleared or skipped `bytes` bytes.
fn count(side: &mut OpCounts, bytes: usize, cleared: bool) {
    let (calls, sum) = if cleared {
        (&mut side.clears, &mut side.cleared_bytes)
    } else {
        (&mut side.skips, &mut side.skipped_bytes)
    };
    *calls += 1;
    *sum += bytes as u64;
}
