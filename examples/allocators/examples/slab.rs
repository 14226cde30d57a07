//! Reuses a buffer under each policy. If it is cleared on free, the next allocation skips the clear.

use std::error::Error;

use clearpage::Order;
use clearpage::hooks::{AllocFlags, InitPolicy, PageHooks};
use clearpage_allocators::Arena;
use clearpage_allocators::slab::Slots;

fn main() -> Result<(), Box<dyn Error>> {
    let arena = Arena::garbage(64);
    for policy in [InitPolicy::ON_ALLOC, InitPolicy::ON_FREE, InitPolicy::BOTH] {
        println!("{policy:?}");
        let order = Order::for_pages(16).ok_or("no such order")?;
        // SAFETY: only this pool uses the arena, which outlives it.
        let mut slots =
            unsafe { Slots::new(4, order, PageHooks::new(arena.map()).with_policy(policy)) };
        for turn in 1..=3 {
            let (slot, alloc) = slots.alloc(AllocFlags::NONE)?.ok_or("all slots are allocated")?;
            // SAFETY: the slot is allocated, and not used below.
            let free = unsafe { slots.free(slot)? };
            println!(
                "  slot {slot}, use {turn}: allocated {:?}, freed {:?}",
                alloc.data, free.data
            );
        }
    }
    Ok(())
}
