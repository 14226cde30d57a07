//! Uses talc under `ClearingAlloc` as the global allocator, and prints what was cleared. Policy:
//! `CLEARPAGE_INIT_ON_ALLOC` and `CLEARPAGE_INIT_ON_FREE`, or both if neither is set.

use std::collections::HashMap;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use clearpage::hooks::{ClearingAlloc, Counters, InitPolicy, OpCounts, policy, set_policy};
use clearpage_allocators::talc::{Talc, heap};

const LEN: usize = 64 << 20;
static mut MEMORY: MaybeUninit<[u8; LEN]> = MaybeUninit::uninit();

#[global_allocator]
static ALLOC: ClearingAlloc<Talc, Counters> = {
    let memory = NonNull::new(&raw mut MEMORY).expect("a static").cast();
    // SAFETY: nothing else uses the static.
    ClearingAlloc::with_stats(unsafe { heap(memory, LEN) }, Counters::new())
};

fn main() {
    let is_set = |variable| std::env::var_os(variable).is_some();
    if !is_set("CLEARPAGE_INIT_ON_ALLOC") && !is_set("CLEARPAGE_INIT_ON_FREE") {
        set_policy(InitPolicy::BOTH);
    }
    let mut words: HashMap<usize, String> = HashMap::new();
    for n in 0..20_000 {
        words.insert(n % 3000, "word ".repeat(n % 100));
    }
    let letters: usize = words.values().map(String::len).sum();
    drop(words);
    drop(vec![0_u64; 1 << 20]);

    println!("{:?}, {letters} letters written", policy());
    let counts = ALLOC.stats().read();
    for (name, side) in [("allocated", counts.on_alloc), ("freed", counts.on_free)] {
        let OpCounts { clears, cleared_bytes, skips, skipped_bytes, .. } = side;
        println!(
            "{name}: {clears} clears of {} KiB; {skips} skips of {} KiB",
            cleared_bytes >> 10,
            skipped_bytes >> 10
        );
    }
}
