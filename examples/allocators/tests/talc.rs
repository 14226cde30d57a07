//! talc, whose books are inside the blocks, under `ClearingAlloc`.

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
    // SAFETY: the arena is this heap's alone.
    with(unsafe {
        arena.fill(GARBAGE);
        heap(arena.base(), arena.size())
    })
}

fn clearing(talc: Talc, policy: InitPolicy) -> ClearingAlloc<Talc, Counters> {
    ClearingAlloc::with_stats(talc, Counters::new()).with_policy(policy)
}

#[test]
fn a_user_gets_zeroes_and_leaves_nothing() {
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
        // What talc wrote is there, and nothing that depends on what the user wrote.
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

/// A block that was wiped is not zero when it comes back, and is cleared again.
#[test]
fn wiped_is_not_zero() {
    let arena = Arena::garbage(NPAGES);
    let layout = Layout::from_size_align(4096, 16).unwrap();
    for policy in [InitPolicy::ON_FREE, InitPolicy::BOTH] {
        let alloc = arena_of(&arena, |talc| clearing(talc, policy));
        // SAFETY: blocks of that layout, used while they are allocated, initialised by the arena.
        let zero = unsafe {
            let block = alloc.alloc(layout);
            block.write_bytes(1, layout.size());
            alloc.dealloc(block, layout);
            assert_eq!(alloc.alloc(layout), block, "the same one");
            is_all(0, std::slice::from_raw_parts(block, layout.size()))
        };
        assert_eq!(zero, policy.on_alloc);
        assert_eq!(alloc.stats().read().on_alloc.clears, 2 * u64::from(policy.on_alloc));
    }
}

#[test]
fn memory_comes_step_by_step_and_ends() {
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
    assert!(!user.step(Step::Realloc(1, arena.size())), "the block stays as it is");
    user.finish();
    assert!(
        user.step(Step::Alloc(layout(arena.size() - (8 << 10)))),
        "all of it is one block again"
    );
    user.finish();
    assert_eq!(user.faults, []);
    assert_eq!(alloc.stats().read(), user.expected);
}
