//! talc, whose metadata is in the heap, under `ClearingAlloc`.

mod common;

use std::alloc::{GlobalAlloc, Layout};

use clearpage::hooks::{ClearingAlloc, Counters, InitPolicy};
use clearpage_allocators::talc::{Talc, heap};
use clearpage_allocators::{Arena, GARBAGE};
use clearpage_testkit::flags::POLICIES;
use clearpage_testkit::is_all;
use clearpage_testkit::user::{Ink, Step};
use common::{Poisoning, use_it, user};

const NPAGES: usize = (8 << 20) / clearpage::PAGE_SIZE;

fn arena_of<T>(arena: &Arena, with: impl FnOnce(Talc) -> T) -> T {
    // SAFETY: only this heap uses the arena.
    with(unsafe {
        arena.fill(GARBAGE);
        heap(arena.base(), arena.size())
    })
}

fn clearing(talc: Talc, policy: InitPolicy) -> ClearingAlloc<Talc, Counters> {
    ClearingAlloc::with_stats(talc, Counters::new()).with_policy(policy)
}

#[test]
fn a_user_gets_zeroes_and_leaves_no_data() {
    let arena = Arena::garbage(NPAGES);
    for policy in POLICIES {
        let [blue, red] = [Ink::Blue, Ink::Red].map(|ink| {
            let alloc = arena_of(&arena, |talc| clearing(talc, policy));
            let user = use_it(&arena, &alloc, policy, ink, &[]);
            assert_eq!(user.faults, [], "{policy:?}");
            assert_eq!(alloc.stats().read(), user.expected, "{policy:?}");
            assert_eq!(alloc.inner().lock().counters().allocation_count, 0);
            assert_eq!(ink.found_in(&user.image) == 0, policy.on_free, "{policy:?}");
            user.image
        });
        // Nothing in the heap depends on the data of the user.
        assert_eq!(blue == red, policy.on_free, "{policy:?}");
        assert!(blue.contains(&GARBAGE) && !is_all(0, &blue));
    }
}

#[test]
fn mistakes_are_found() {
    let arena = Arena::garbage(NPAGES);
    let alloc = arena_of(&arena, Poisoning);
    assert!(use_it(&arena, &alloc, InitPolicy::BOTH, Ink::Blue, &[]).has_not_zero());
    let images = [Ink::Blue, Ink::Red].map(|ink| {
        let alloc = arena_of(&arena, |talc| talc);
        let user = use_it(&arena, &alloc, InitPolicy::BOTH, ink, &[]);
        assert!(user.has_not_zero());
        assert_ne!(ink.found_in(&user.image), 0);
        user.image
    });
    assert!(images[0] != images[1]);
}

/// talc writes its metadata to free blocks, so a block is cleared again when it is reused.
#[test]
fn a_cleared_block_is_not_zero_when_it_is_reused() {
    let arena = Arena::garbage(NPAGES);
    let layout = Layout::from_size_align(4096, 16).unwrap();
    for policy in [InitPolicy::ON_FREE, InitPolicy::BOTH] {
        let alloc = arena_of(&arena, |talc| clearing(talc, policy));
        // SAFETY: the blocks have this layout, and are initialised by the arena.
        let zero = unsafe {
            let block = alloc.alloc(layout);
            block.write_bytes(1, layout.size());
            alloc.dealloc(block, layout);
            assert_eq!(alloc.alloc(layout), block, "the block is reused");
            is_all(0, std::slice::from_raw_parts(block, layout.size()))
        };
        assert_eq!(zero, policy.on_alloc);
        assert_eq!(alloc.stats().read().on_alloc.clears, 2 * u64::from(policy.on_alloc));
    }
}

#[test]
fn the_heap_grows_in_steps_up_to_its_limit() {
    let arena = Arena::garbage(NPAGES);
    let alloc = arena_of(&arena, |talc| clearing(talc, InitPolicy::BOTH));
    let claimed = || alloc.inner().lock().counters().claimed_bytes;
    let mut user = user(&alloc, InitPolicy::BOTH, Ink::Blue, 0);
    let layout = |size| Layout::from_size_align(size, 8).unwrap();
    assert!(user.step(Step::Alloc(layout(100))));
    assert!(claimed() <= 64 << 10);
    assert!(user.step(Step::Alloc(layout(1 << 20))));
    assert!(claimed() <= (1 << 20) + (128 << 10));
    assert!(!user.step(Step::Alloc(layout(arena.size()))));
    assert!(!user.step(Step::Realloc(1, arena.size())), "longer than the arena");
    user.finish();
    assert!(user.step(Step::Alloc(layout(arena.size() - (8 << 10)))), "free blocks are merged");
    user.finish();
    assert_eq!(user.faults, []);
    assert_eq!(alloc.stats().read(), user.expected);
}
