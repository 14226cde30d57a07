//! Threads that allocate, resize and free, and give each other what they have.

use std::alloc::Layout;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use clearpage::hooks::{ClearingAlloc, Counters, Counts, InitPolicy, OpCounts};

use crate::recording::Recording;
use crate::user::{Step, User};
use crate::{KIB, MIB, layout};

const SECONDS: &str = "CLEARPAGE_STRESS_SECONDS";
const THREADS: u64 = 4;
/// Blocks a thread has at most.
const BLOCKS: usize = 64;

/// As many random numbers as wanted (a xorshift generator).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }

    /// Short ones mostly; one of 500 up to a MiB.
    fn size(&mut self) -> usize {
        let limit = match self.below(500) {
            0 => MIB,
            1..50 => 32 * KIB,
            50..200 => 2 * KIB,
            _ => 256,
        };
        1 + self.below(limit)
    }

    fn layout(&mut self) -> Layout {
        let align = if self.below(20) == 0 { 1 << self.below(14) } else { 1 << self.below(5) };
        layout(self.size(), align)
    }

    fn step(&mut self, blocks: usize) -> Step {
        let which = self.below(BLOCKS);
        match self.below(8) {
            0..3 if blocks < BLOCKS => Step::Alloc { layout: self.layout() },
            3 if blocks < BLOCKS => Step::Zeroed { layout: self.layout() },
            4..6 => Step::Realloc { which, size: self.size() },
            _ => Step::Dealloc { which },
        }
    }
}

/// Uses one allocator on all threads for so long. How many calls there were.
fn stress(policy: InitPolicy, time: Duration) -> u64 {
    let alloc = ClearingAlloc::with_stats(Recording::default(), Counters::new());
    let alloc = alloc.with_policy(policy);
    let end = Instant::now() + time;
    let handed_over = Mutex::new(Vec::new());
    let work = |number: u64| {
        let mut user = User::new(&alloc, policy, number << 56);
        let mut random = Random(number + 1);
        let mut steps = 0_u64;
        while Instant::now() < end && user.faults.is_empty() {
            for _ in 0..50 {
                user.step(random.step(user.blocks.len()));
            }
            steps += 50;
            // One block for another, which some other thread had.
            let mut handed_over = handed_over.lock().unwrap();
            handed_over.extend(user.blocks.pop());
            if handed_over.len() > THREADS as usize {
                let which = random.below(handed_over.len());
                user.blocks.push(handed_over.swap_remove(which));
            }
        }
        user.finish();
        (steps, user.faults, user.expected, user.unwiped)
    };
    let reports: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> =
            (0..THREADS).map(|number| scope.spawn(move || work(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut last = User::new(&alloc, policy, 0);
    last.blocks = handed_over.into_inner().unwrap();
    last.finish();

    let (mut expected, mut unwiped, mut calls) = (last.expected, last.unwiped, 0);
    assert_eq!(last.faults, [""; 0], "{policy:?}");
    for (steps, faults, counts, left) in reports {
        assert_eq!(faults, [""; 0], "{policy:?}");
        expected = sum(expected, counts);
        unwiped += left;
        calls += steps;
    }
    let seen = alloc.inner().calls();
    assert_eq!((seen.unwiped, seen.live, seen.strange), (unwiped, 0, 0), "{policy:?}");
    assert_eq!(alloc.stats().read(), expected, "{policy:?}: a clear too many or too few");
    calls
}

fn sum(a: Counts, b: Counts) -> Counts {
    let side = |a: OpCounts, b: OpCounts| OpCounts {
        clears: a.clears + b.clears,
        cleared_bytes: a.cleared_bytes + b.cleared_bytes,
        skips: a.skips + b.skips,
        skipped_bytes: a.skipped_bytes + b.skipped_bytes,
    };
    Counts { on_alloc: side(a.on_alloc, b.on_alloc), on_free: side(a.on_free, b.on_free) }
}

/// A second, or as many as the environment says:
/// `CLEARPAGE_STRESS_SECONDS=3600 cargo test --release --test clearing_alloc stress`.
#[test]
fn threads_share_an_allocator() {
    let seconds = std::env::var(SECONDS).map_or(1.0, |text| text.parse().expect(SECONDS));
    let policies = crate::POLICIES;
    for policy in policies {
        let calls = stress(policy, Duration::from_secs_f64(seconds / policies.len() as f64));
        println!("{policy:?}: {calls} calls, nothing lost, nothing left, no clear twice");
    }
}
