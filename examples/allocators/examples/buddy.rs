//! Allocates and frees page frames with and without a policy. Prints what the hooks did, and why.

use std::error::Error;

use clearpage::Order;
use clearpage::hooks::{AllocFlags, InitPolicy, PageHooks};
use clearpage_allocators::Arena;
use clearpage_allocators::buddy::Buddy;

fn main() -> Result<(), Box<dyn Error>> {
    let arena = Arena::garbage(2048);
    for policy in [InitPolicy::OFF, InitPolicy::BOTH] {
        println!("{policy:?}");
        // SAFETY: only this allocator uses the arena, which outlives it.
        let mut buddy = unsafe {
            let hooks = PageHooks::new(arena.map()).with_policy(policy);
            Buddy::new(arena.frames(), hooks)
        };
        for (order, flags) in [
            (0, AllocFlags::NONE),
            (9, AllocFlags::NONE),
            (3, AllocFlags::ZERO),
            (3, AllocFlags::WILL_OVERWRITE),
        ] {
            let order = Order::new(order).ok_or("no such order")?;
            let (block, alloc) = buddy.alloc(order, flags)?.ok_or("out of frames")?;
            // SAFETY: the block is allocated, and not used below.
            let free = unsafe { buddy.free(block, AllocFlags::NONE)? };
            println!("  {block}, {flags:?}: allocated {:?}, freed {:?}", alloc.data, free.data);
        }
    }
    Ok(())
}
