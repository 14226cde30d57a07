//! Runs some collections of a heap. Prints how much the mutator cleared, and how much the sweeper.

use clearpage_allocators::Arena;
use clearpage_allocators::immix::{BLOCK, LINE, Mutator, Space};

fn main() {
    let arena = Arena::garbage((4 << 20) / clearpage::PAGE_SIZE);
    for wipe in [false, true] {
        println!("{}", if wipe { "the sweeper clears" } else { "the mutator clears" });
        // SAFETY: only this space uses the arena, which outlives it.
        let space =
            unsafe { Space::new(arena.base(), arena.size(), wipe, clearpage::raw::zero_bytes) };
        let mut mutator = Mutator::default();
        for cycle in 1..=3 {
            let before = space.counts();
            let mut objects = 0;
            while space.alloc(&mut mutator, LINE).is_some() {
                objects += 1;
            }
            space.retire(&mut mutator);
            // A quarter of each block survives.
            let live = |line: usize| line % BLOCK < BLOCK / 4;
            // SAFETY: no line is used.
            while unsafe { space.sweep(live) }.is_some() {}
            let after = space.counts();
            println!(
                "  cycle {cycle}: {objects} objects; {} KiB cleared hot, {} KiB cold",
                (after.on_alloc.cleared_bytes - before.on_alloc.cleared_bytes) >> 10,
                (after.on_free.cleared_bytes - before.on_free.cleared_bytes) >> 10
            );
        }
    }
}
