//! Serves requests one after another from one arena. None can read data of the one before.

use std::alloc::Layout;
use std::error::Error;

use clearpage::hooks::{AllocFlags, InitPolicy};
use clearpage_allocators::bump::WipedBump;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arena = WipedBump::new(InitPolicy::BOTH);
    let layout = Layout::from_size_align(700, 16)?;
    for request in 1..=5 {
        let before = arena.counts();
        for _ in 0..1000 {
            let block = arena.alloc(layout, AllocFlags::NONE);
            // SAFETY: the block is valid until the reset.
            unsafe { block.write_bytes(request, layout.size()) };
        }
        arena.reset();
        let after = arena.counts();
        println!(
            "request {request}: {} blocks cleared on allocation, {} known zero; {} KiB cleared at the reset",
            after.on_alloc.clears - before.on_alloc.clears,
            after.on_alloc.skips - before.on_alloc.skips,
            (after.on_free.cleared_bytes - before.on_free.cleared_bytes) >> 10
        );
    }
    Ok(())
}
