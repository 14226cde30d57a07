//! talc, whose books are inside the blocks, under `ClearingAlloc`.

use std::alloc::{GlobalAlloc, Layout};

use clearpage::hooks::{ClearingAlloc, Counters, Counts, InitPolicy};
use clearpage_allocators::check::{Faults, Ink, POLICIES, Poisoning, Random, User, is_all};
use clearpage_allocators::talc::{Talc, heap};
use clearpage_allocators::{Arena, GARBAGE};

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

/// What a user of an allocator over `arena` found wrong and expects of its statistics; and what the
/// memory holds at the end.
fn use_it<A: GlobalAlloc>(
    arena: &Arena,
    alloc: &A,
    policy: InitPolicy,
    ink: Ink,
) -> (Faults, Counts, Vec<u8>) {
    // SAFETY: the arena is initialised.
    let mut user = unsafe { User::new(alloc, policy, ink, 0) };
    let mut random = Random::new(1);
    for _ in 0..3000 {
        user.step(&mut random, 60);
    }
    user.finish();
    // SAFETY: nobody writes to it now.
    (user.faults, user.expected, unsafe { arena.bytes() }.to_vec())
}

#[test]
fn a_user_gets_zeroes_and_leaves_nothing() {
    let arena = Arena::garbage(NPAGES);
    for policy in POLICIES {
        let [blue, red] = [Ink::Blue, Ink::Red].map(|ink| {
            let alloc = arena_of(&arena, |talc| clearing(talc, policy));
            let (faults, expected, image) = use_it(&arena, &alloc, policy, ink);
            assert_eq!(faults, Faults::default(), "{policy:?}");
            assert_eq!(alloc.stats().read(), expected, "{policy:?}");
            assert_eq!(alloc.inner().lock().counters().allocation_count, 0);
            assert_eq!(ink.found_in(&image) == 0, policy.on_free, "{policy:?}");
            image
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
    let (faults, ..) = use_it(&arena, &alloc, InitPolicy::BOTH, Ink::Blue);
    assert_ne!(faults.not_zero, 0);
    let images = [Ink::Blue, Ink::Red].map(|ink| {
        let alloc = arena_of(&arena, |talc| talc);
        let (faults, _, image) = use_it(&arena, &alloc, InitPolicy::BOTH, ink);
        assert_ne!(faults.not_zero, 0);
        assert_ne!(ink.found_in(&image), 0);
        image
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
    // SAFETY: the arena is initialised.
    let mut user = unsafe { User::new(&alloc, InitPolicy::BOTH, Ink::Blue, 0) };
    let layout = |size| Layout::from_size_align(size, 8).unwrap();
    assert!(user.alloc(layout(100)));
    assert!(claimed() <= 64 << 10);
    assert!(user.alloc(layout(1 << 20)));
    assert!(claimed() <= (1 << 20) + (128 << 10));
    assert!(!user.alloc(layout(arena.size())));
    assert!(!user.realloc(1, arena.size()), "the block stays as it is");
    user.finish();
    assert!(user.alloc(layout(arena.size() - (8 << 10))), "all of it is one block again");
    user.finish();
    assert_eq!(user.faults, Faults::default());
    assert_eq!(alloc.stats().read(), user.expected);
}
