//! A heap of blocks and lines through some collections: who cleared how much, the program or the
//! sweeper.

use clearpage_allocators::Arena;
use clearpage_allocators::immix::{BLOCK, LINE, Mutator, Space};

fn main() {
    let arena = Arena::garbage((4 << 20) / clearpage::PAGE_SIZE);
    for wipe in [false, true] {
        println!("{}", if wipe { "the sweeper wipes" } else { "the program clears its holes" });
        // SAFETY: the arena is this space's alone, and outlives it.
        let space =
            unsafe { Space::new(arena.base(), arena.size(), wipe, clearpage::raw::zero_bytes) };
        let mut program = Mutator::default();
        for cycle in 1..=3 {
            let before = space.counts();
            let mut objects = 0;
            while space.alloc(&mut program, LINE).is_some() {
                objects += 1;
            }
            space.retire(&mut program);
            // A quarter of each block is used for longer.
            let live = |line: usize| line % BLOCK < BLOCK / 4;
            // SAFETY: nobody uses any line.
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
