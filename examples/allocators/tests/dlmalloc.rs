//! dlmalloc over reused pages, under `ClearingAlloc`.

mod common;

use std::alloc::{GlobalAlloc, Layout};
use std::ptr::NonNull;

use clearpage::highmem::{Highmem, LinearMap};
use clearpage::hooks::{AllocFlags, ClearingAlloc, Counters, InitPolicy, OpCounts};
use clearpage::{PAGE_SIZE, Page};
use clearpage_allocators::Arena;
use clearpage_allocators::dlmalloc::{Heap, LONG, Pages};
use clearpage_testkit::flags::POLICIES;
use clearpage_testkit::is_all;
use clearpage_testkit::user::{Ink, Step};
use common::{Outcome, Poisoning, WrongMap, user};
use dlmalloc::Allocator;

const NPAGES: usize = (16 << 20) / PAGE_SIZE;

fn pages<M: Highmem>(arena: &Arena, mem: M) -> Pages<M> {
    // SAFETY: only these pages use the arena, which is zero.
    unsafe {
        arena.fill(0);
        Pages::new(arena.base().cast(), arena.size() / PAGE_SIZE, mem)
    }
}

fn linear(arena: &Arena) -> LinearMap {
    // SAFETY: every test drops the map before the arena.
    unsafe { arena.map() }
}

fn clearing<M>(heap: Heap<M>, policy: InitPolicy) -> ClearingAlloc<Heap<M>, Counters> {
    ClearingAlloc::with_stats(heap, Counters::new()).with_policy(policy)
}

/// Uses an allocator, also for long blocks, which are fresh, used again, or both.
fn use_it<A: GlobalAlloc>(arena: &Arena, alloc: &A, policy: InitPolicy, ink: Ink) -> Outcome {
    let steps = [3, 0, 7, 0].map(|pages| {
        let layout = |size, align| Layout::from_size_align(size, align).unwrap();
        let (first, second) = (layout(LONG + pages * PAGE_SIZE, 1), layout(LONG + 1, 16));
        [Step::Zeroed(first), Step::Zeroed(second), Step::Dealloc(0), Step::Dealloc(0)]
    });
    common::use_it(arena, alloc, policy, ink, &steps.concat())
}

#[test]
fn a_user_gets_zeroes_and_leaves_no_data() {
    let arena = Arena::zeroed(NPAGES);
    // Free blocks hold pointers into the allocator. It has the same address in all runs, so that the
    // images are comparable.
    let mut place = None;
    for policy in POLICIES {
        let images = [Ink::Blue, Ink::Red].map(|ink| {
            let heap = Heap::new(pages(&arena, linear(&arena)));
            let alloc = &*place.insert(clearing(heap, policy));
            let user = use_it(&arena, alloc, policy, ink);
            assert_eq!(user.faults, [], "{policy:?}");
            assert_eq!(alloc.stats().read(), user.expected, "{policy:?}");
            assert_eq!(ink.found_in(&user.image) == 0, policy.on_free, "{policy:?}");
            user.image
        });
        assert_eq!(images[0] == images[1], policy.on_free, "{policy:?}");
    }
}

#[test]
fn mistakes_are_found() {
    let arena = Arena::zeroed(NPAGES);
    let heap = || Heap::new(pages(&arena, linear(&arena)));
    let poisoning = Poisoning(heap());
    assert!(use_it(&arena, &poisoning, InitPolicy::BOTH, Ink::Blue).has_not_zero());
    let user = use_it(&arena, &heap(), InitPolicy::BOTH, Ink::Blue);
    assert!(user.has_not_zero());
    assert_ne!(Ink::Blue.found_in(&user.image), 0);
    // Reused pages are poisoned instead of cleared.
    let wrong = Heap::new(pages(&arena, WrongMap::Poisons(linear(&arena))));
    assert!(use_it(&arena, &wrong, InitPolicy::OFF, Ink::Blue).has_not_zero());
}

/// Checks what the heap and `ClearingAlloc` clear for each allocation of a long block.
#[test]
fn a_long_block_is_cleared_exactly_if_needed() {
    let arena = Arena::zeroed(NPAGES);
    let layout = Layout::from_size_align(LONG + 5, 64).unwrap();
    let npages = layout.size().div_ceil(PAGE_SIZE);
    for policy in POLICIES {
        let alloc = clearing(Heap::new(pages(&arena, linear(&arena))), policy);
        let clears = || (alloc.inner().counts().clears, alloc.stats().read().on_alloc.clears);
        let outside = u64::from(policy.on_alloc);
        for (zeroed, expected) in [
            // The pages are fresh, so `alloc_zeroed` skips the clear.
            (true, (0, 0)),
            // The pages are reused.
            (true, (1, 0)),
            // Without a request for zeroes, only the policy clears.
            (false, (1, outside)),
            (true, (2, outside)),
        ] {
            // SAFETY: the block has this layout, is initialised by the arena, and is freed once.
            unsafe {
                let block = if zeroed { alloc.alloc_zeroed(layout) } else { alloc.alloc(layout) };
                assert_eq!(block, arena.base().as_ptr(), "the same pages");
                let bytes = std::slice::from_raw_parts_mut(block, layout.size());
                assert!(is_all(0, bytes) || !zeroed && policy == InitPolicy::OFF, "{policy:?}");
                assert_eq!(clears(), expected, "{policy:?}");
                bytes.fill(1);
                alloc.dealloc(block, layout);
            }
        }
        let counts = alloc.inner().counts();
        let bytes = (npages * PAGE_SIZE) as u64;
        assert_eq!((counts.cleared_bytes, counts.skipped_bytes), (2 * bytes, 2 * bytes));
    }
}

/// Returns whether `allocates_zeros` holds for fresh and reused pages, and the counts.
fn promise_is_kept<M: Highmem + Send>(arena: &Arena, mem: M) -> (bool, OpCounts) {
    let pages = pages(arena, mem);
    assert!(pages.allocates_zeros());
    let take = |npages: usize| {
        let (ptr, len, _) = pages.alloc(npages * PAGE_SIZE);
        assert_eq!(len, npages * PAGE_SIZE);
        // SAFETY: the pages are allocated, and initialised by the arena.
        let bytes = unsafe { std::slice::from_raw_parts_mut(ptr, len) };
        let zero = is_all(0, bytes);
        bytes.fill(1);
        (zero, ptr, len)
    };
    let first = take(4);
    let second = take(4);
    // Frees the last page of the second block, then all of the first.
    assert!(pages.free_part(second.1, second.2, 3 * PAGE_SIZE));
    assert!(pages.free(first.1, first.2));
    // Allocates four reused pages, then one reused and two fresh pages.
    let kept = [first.0, second.0, take(4).0, take(3).0];
    assert!(pages.remap(second.1, 3, 4, true).is_null());
    assert_eq!(pages.alloc(arena.size()).0, std::ptr::null_mut());
    (kept == [true; 4], pages.counts())
}

#[test]
fn allocates_zeros_holds_for_fresh_and_reused_pages() {
    let arena = Arena::zeroed(64);
    let (kept, counts) = promise_is_kept(&arena, linear(&arena));
    assert!(kept);
    let page = PAGE_SIZE as u64;
    assert_eq!((counts.clears, counts.cleared_bytes), (2, 5 * page));
    assert_eq!((counts.skips, counts.skipped_bytes), (3, 10 * page));
    assert!(!promise_is_kept(&arena, WrongMap::Poisons(linear(&arena))).0);
    let failing = pages(&arena, WrongMap::Fails);
    let block = failing.take(1, AllocFlags::ZERO).expect("fresh pages need no mapping");
    failing.give(block, 1);
    assert_eq!(failing.take(1, AllocFlags::ZERO), None);
}

#[test]
#[should_panic(expected = "freed twice")]
fn freeing_pages_twice_panics() {
    let arena = Arena::zeroed(4);
    let pages = pages(&arena, linear(&arena));
    let block: NonNull<Page> = pages.take(2, AllocFlags::NONE).unwrap();
    pages.give(block, 2);
    pages.give(block, 1);
}

/// dlmalloc returns its own segments too.
#[test]
fn segments_are_reused() {
    let arena = Arena::zeroed(NPAGES);
    let alloc = clearing(Heap::new(pages(&arena, linear(&arena))), InitPolicy::BOTH);
    let mut user = user(&alloc, InitPolicy::BOTH, Ink::Blue, 0);
    let layout = Layout::from_size_align(50_000, 16).unwrap();
    for _ in 0..3 {
        (0..80).for_each(|_| assert!(user.step(Step::Zeroed(layout))));
        user.finish();
        assert!(alloc.inner().trim());
    }
    assert_eq!(user.faults, []);
    assert_eq!(alloc.stats().read(), user.expected);
    let pages = alloc.inner().counts();
    assert!(pages.clears > 0 && pages.skips > 0, "{pages:?}");
}

/// `calloc` of this version of dlmalloc clears even zeroed memory, so tests through it would not
/// notice a source that breaks its promise.
#[test]
fn calloc_ignores_allocates_zeros() {
    let arena = Arena::garbage(64);
    let layout = Layout::from_size_align(1000, 16).unwrap();
    let mem = linear(&arena);
    // SAFETY: only these pages use the arena. It breaks the promise to be zero on purpose; the
    // contents do not affect soundness.
    let zero = unsafe {
        let heap = Heap::new(Pages::new(arena.base().cast(), 64, mem));
        let block = heap.alloc_zeroed(layout);
        is_all(0, std::slice::from_raw_parts(block, layout.size()))
    };
    assert!(zero);
}
