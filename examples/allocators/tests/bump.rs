//! bumpalo, cleared at each reset.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use clearpage::hooks::{AllocFlags, Counts, InitPolicy};
use clearpage_allocators::bump::WipedBump;
use clearpage_allocators::{Clear, GARBAGE};
use clearpage_testkit::flags::POLICIES;
use clearpage_testkit::is_all;
use clearpage_testkit::random::Random;
use clearpage_testkit::user::Ink;
use common::{by_intent, poison, zero_by_intent};

/// The source of bumpalo's chunks: fills them with garbage, and searches them when they are freed.
struct Chunks;

#[global_allocator]
static CHUNKS: Chunks = Chunks;

type Chunk = (*mut u8, usize);

std::thread_local! {
    /// Whether this thread's blocks belong to the arena.
    static WATCH: Cell<bool> = const { Cell::new(false) };
    /// The chunks of the arena.
    static HELD: Cell<[Option<Chunk>; 32]> = const { Cell::new([None; 32]) };
    /// The words of the user in freed chunks.
    static LEFT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: the system's blocks.
unsafe impl GlobalAlloc for Chunks {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        let ptr = unsafe { System.alloc(layout) };
        if WATCH.get() && !ptr.is_null() {
            // SAFETY: a block is valid for its size.
            unsafe { ptr.write_bytes(GARBAGE, layout.size()) };
            let mut held = HELD.get();
            let place = held.iter_mut().find(|chunk| chunk.is_none()).expect("32 chunks");
            *place = Some((ptr, layout.size()));
            HELD.set(held);
        }
        ptr
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        if WATCH.get() {
            let gone = Some((ptr, layout.size()));
            HELD.set(HELD.get().map(|chunk| if chunk == gone { None } else { chunk }));
            // SAFETY: a chunk was initialised above, and is no longer used.
            let chunk = unsafe { std::slice::from_raw_parts(ptr, layout.size()) };
            LEFT.set(LEFT.get() + Ink::Blue.found_in(chunk));
        }
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(ptr, layout) };
    }
}

fn watched<T>(work: impl FnOnce() -> T) -> T {
    WATCH.set(true);
    let result = work();
    WATCH.set(false);
    result
}

fn holds(chunk: Chunk, block: *mut u8) -> bool {
    (chunk.0.addr()..chunk.0.addr() + chunk.1).contains(&block.addr())
}

/// The errors of the arena.
#[derive(Debug, Default, PartialEq, Eq)]
struct Faults {
    not_zero: usize,
    /// The words of the user in chunks after a reset.
    left: usize,
}

/// The bytes allocated in each round. Some fit into the retained chunk, others exceed it.
const ROUNDS: [usize; 7] = [5_000, 900_000, 40_000, 3_000_000, 300_000, 2_500_000, 4_000_000];

/// Uses an arena that has the policy `actual` and clears with `clear`, and expects `policy`. Returns
/// the errors, the counts, and the expected counts.
fn use_it(clear: Clear, actual: InitPolicy, policy: InitPolicy) -> (Faults, Counts, Counts) {
    // SAFETY: all of these functions write only to their range.
    let mut arena = unsafe { WipedBump::with_clear(actual, clear) };
    let (mut faults, mut expected, mut random) =
        (Faults::default(), Counts::default(), Random::new(5));
    // The retained chunk, and from where it is zero.
    let mut zero: Option<(Chunk, *mut u8)> = None;
    for round in ROUNDS {
        let (mut bytes, mut blocks) = (0, vec![]);
        while bytes < round {
            let size = 1 + random.below(2000);
            let layout = Layout::from_size_align(size, 1 << random.below(7)).unwrap();
            let flags = [AllocFlags::NONE, AllocFlags::ZERO][random.below(2)];
            let block = watched(|| arena.alloc(layout, flags)).as_ptr();
            let known = zero.is_some_and(|(chunk, from)| holds(chunk, block) && block >= from);
            let asked = policy.on_alloc || flags == AllocFlags::ZERO;
            // SAFETY: the block is valid until the reset, and its chunk was initialised.
            let contents = unsafe { std::slice::from_raw_parts_mut(block, size) };
            faults.not_zero += usize::from((asked || known) && !is_all(0, contents));
            Ink::Blue.write(0, contents);
            let (calls, sum) = match asked && !known {
                true => (&mut expected.on_alloc.clears, &mut expected.on_alloc.cleared_bytes),
                false => (&mut expected.on_alloc.skips, &mut expected.on_alloc.skipped_bytes),
            };
            *calls += 1;
            *sum += size as u64;
            bytes += size;
            blocks.push(block);
        }
        let used = HELD
            .get()
            .into_iter()
            .flatten()
            .filter(|chunk| blocks.iter().any(|block| holds(*chunk, *block)));
        let used = used.count() as u64;
        *if policy.on_free { &mut expected.on_free.clears } else { &mut expected.on_free.skips } +=
            used;
        watched(|| arena.reset());

        let [kept] = HELD.get().into_iter().flatten().collect::<Vec<_>>()[..] else {
            panic!("a reset retains one chunk");
        };
        // SAFETY: the chunk is initialised, and not used now.
        faults.left += Ink::Blue.found_in(unsafe { std::slice::from_raw_parts(kept.0, kept.1) });
        if policy.on_free {
            let lowest = blocks.into_iter().filter(|block| holds(kept, *block)).min().unwrap();
            let before = zero.filter(|(chunk, _)| *chunk == kept).map(|(_, from)| from);
            zero = Some((kept, before.map_or(lowest, |from| from.min(lowest))));
        }
    }
    let counts = arena.counts();
    // The arena clears the blocks and the gaps between them.
    let wiped = counts.on_free.cleared_bytes + counts.on_free.skipped_bytes;
    assert!((ROUNDS.iter().sum::<usize>()..12_000_000).contains(&(wiped as usize)), "{wiped}");
    expected.on_free.cleared_bytes = counts.on_free.cleared_bytes;
    expected.on_free.skipped_bytes = counts.on_free.skipped_bytes;
    watched(|| drop(arena));
    faults.left += LEFT.take();
    (faults, counts, expected)
}

#[test]
fn a_reset_clears_and_the_next_round_skips_the_clear() {
    for policy in POLICIES {
        let (faults, counts, expected) = use_it(zero_by_intent, policy, policy);
        assert_eq!((faults.not_zero, faults.left == 0), (0, policy.on_free), "{policy:?}");
        assert_eq!(counts, expected, "{policy:?}");
        let (hot, cold) = (counts.on_alloc.cleared_bytes, counts.on_free.cleared_bytes);
        assert_eq!(by_intent(), [0, hot, cold], "{policy:?}");
        if policy == InitPolicy::BOTH {
            assert!(counts.on_alloc.skips > 1000, "known zeroes are cleared again: {counts:?}");
        }
    }
}

#[test]
fn mistakes_are_found() {
    for policy in [InitPolicy::ON_ALLOC, InitPolicy::ON_FREE, InitPolicy::BOTH] {
        let (faults, ..) = use_it(poison, policy, policy);
        assert_ne!(faults.not_zero, 0, "{policy:?}");
        let (faults, counts, expected) =
            use_it(clearpage::raw::zero_bytes, InitPolicy::OFF, policy);
        assert!(faults.not_zero != 0 && faults.left != 0, "{policy:?}");
        assert_ne!(counts, expected, "{policy:?}");
    }
}
