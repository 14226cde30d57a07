//! bumpalo, wiped when it is reset.

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

/// Where bumpalo gets its chunks: full of garbage, and searched when they come back.
struct Chunks;

#[global_allocator]
static CHUNKS: Chunks = Chunks;

type Chunk = (*mut u8, usize);

std::thread_local! {
    /// Whether this thread's blocks are the arena's.
    static LOOK: Cell<bool> = const { Cell::new(false) };
    /// Those that it has.
    static HELD: Cell<[Option<Chunk>; 32]> = const { Cell::new([None; 32]) };
    /// Words of the user's in those that it gave back.
    static LEFT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: the system's blocks.
unsafe impl GlobalAlloc for Chunks {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        let ptr = unsafe { System.alloc(layout) };
        if LOOK.get() && !ptr.is_null() {
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
        if LOOK.get() {
            let gone = Some((ptr, layout.size()));
            HELD.set(HELD.get().map(|chunk| if chunk == gone { None } else { chunk }));
            // SAFETY: a chunk was initialised above, and nobody uses it any more.
            let chunk = unsafe { std::slice::from_raw_parts(ptr, layout.size()) };
            LEFT.set(LEFT.get() + Ink::Blue.found_in(chunk));
        }
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(ptr, layout) };
    }
}

fn looking<T>(work: impl FnOnce() -> T) -> T {
    LOOK.set(true);
    let result = work();
    LOOK.set(false);
    result
}

fn holds(chunk: Chunk, block: *mut u8) -> bool {
    (chunk.0.addr()..chunk.0.addr() + chunk.1).contains(&block.addr())
}

/// What was wrong.
#[derive(Debug, Default, PartialEq, Eq)]
struct Faults {
    not_zero: usize,
    /// Words of the user's in chunks that were freed, or kept.
    left: usize,
}

/// Bytes of each round: within the chunk that was kept, and beyond.
const ROUNDS: [usize; 7] = [5_000, 900_000, 40_000, 3_000_000, 300_000, 2_500_000, 4_000_000];

/// Rounds of an arena that follows `actual` and clears by `clear`, where `policy` is expected.
/// What was wrong, what it counted, and what it should have.
fn use_it(clear: Clear, actual: InitPolicy, policy: InitPolicy) -> (Faults, Counts, Counts) {
    // SAFETY: both write where they are told to.
    let mut arena = unsafe { WipedBump::with_clear(actual, clear) };
    let (mut faults, mut expected, mut random) =
        (Faults::default(), Counts::default(), Random::new(5));
    // From here on the chunk that was kept is zero.
    let mut zero: Option<(Chunk, *mut u8)> = None;
    for round in ROUNDS {
        let (mut bytes, mut blocks) = (0, vec![]);
        while bytes < round {
            let size = 1 + random.below(2000);
            let layout = Layout::from_size_align(size, 1 << random.below(7)).unwrap();
            let flags = [AllocFlags::NONE, AllocFlags::ZERO][random.below(2)];
            let block = looking(|| arena.alloc(layout, flags)).as_ptr();
            let known = zero.is_some_and(|(chunk, from)| holds(chunk, block) && block >= from);
            let asked = policy.on_alloc || flags == AllocFlags::ZERO;
            // SAFETY: the block is ours until the reset, and its chunk was initialised.
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
        looking(|| arena.reset());

        let [kept] = HELD.get().into_iter().flatten().collect::<Vec<_>>()[..] else {
            panic!("one chunk is kept");
        };
        // SAFETY: the chunk is initialised, and used by nobody now.
        faults.left += Ink::Blue.found_in(unsafe { std::slice::from_raw_parts(kept.0, kept.1) });
        if policy.on_free {
            let lowest = blocks.into_iter().filter(|block| holds(kept, *block)).min().unwrap();
            let before = zero.filter(|(chunk, _)| *chunk == kept).map(|(_, from)| from);
            zero = Some((kept, before.map_or(lowest, |from| from.min(lowest))));
        }
    }
    let counts = arena.counts();
    // What the arena wipes is what it handed out, and what lies between.
    let wiped = counts.on_free.cleared_bytes + counts.on_free.skipped_bytes;
    assert!((ROUNDS.iter().sum::<usize>()..12_000_000).contains(&(wiped as usize)), "{wiped}");
    expected.on_free.cleared_bytes = counts.on_free.cleared_bytes;
    expected.on_free.skipped_bytes = counts.on_free.skipped_bytes;
    looking(|| drop(arena));
    faults.left += LEFT.take();
    (faults, counts, expected)
}

#[test]
fn a_reset_wipes_and_knows() {
    for policy in POLICIES {
        let (faults, counts, expected) = use_it(zero_by_intent, policy, policy);
        assert_eq!((faults.not_zero, faults.left == 0), (0, policy.on_free), "{policy:?}");
        assert_eq!(counts, expected, "{policy:?}");
        let (hot, cold) = (counts.on_alloc.cleared_bytes, counts.on_free.cleared_bytes);
        assert_eq!(by_intent(), [0, hot, cold], "{policy:?}");
        if policy == InitPolicy::BOTH {
            assert!(counts.on_alloc.skips > 1000, "what is known zero is not cleared: {counts:?}");
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
