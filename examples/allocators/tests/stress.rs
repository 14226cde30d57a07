//! Threads that use one talc under `ClearingAlloc`, for as long as they are told to:
//! `CLEARPAGE_STRESS_SECONDS`, or two seconds.

use std::alloc::GlobalAlloc;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use clearpage::hooks::{ClearingAlloc, Counters, Counts, InitPolicy, OpCounts};
use clearpage_allocators::Arena;
use clearpage_allocators::check::{Faults, Ink, POLICIES, Poisoning, Random, User};
use clearpage_allocators::talc::{Talc, heap};

const SECONDS: &str = "CLEARPAGE_STRESS_SECONDS";
const THREADS: u32 = 4;
const NPAGES: usize = (32 << 20) / clearpage::PAGE_SIZE;

/// What all users together found and expect.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sum {
    calls: u64,
    faults: Faults,
    expected: Counts,
}

impl Sum {
    fn add<A>(&mut self, calls: u64, user: &User<A>) {
        let side = |sum: &mut OpCounts, one: OpCounts| {
            sum.clears += one.clears;
            sum.cleared_bytes += one.cleared_bytes;
            sum.skips += one.skips;
            sum.skipped_bytes += one.skipped_bytes;
        };
        self.calls += calls;
        self.faults.not_zero += user.faults.not_zero;
        self.faults.lost += user.faults.lost;
        self.faults.misaligned += user.faults.misaligned;
        side(&mut self.expected.on_alloc, user.expected.on_alloc);
        side(&mut self.expected.on_free, user.expected.on_free);
    }
}

/// Uses `alloc` on all threads for so long; each gives blocks to the others.
fn stress<A: GlobalAlloc + Sync>(alloc: &A, policy: InitPolicy, time: Duration) -> Sum {
    let (end, sum, market) = (Instant::now() + time, Mutex::default(), Mutex::new(vec![]));
    // SAFETY: memory is an arena, which is initialised.
    let user = |number: u32| unsafe { User::new(alloc, policy, Ink::Blue, number << 28) };
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (sum, market) = (&sum, &market);
            scope.spawn(move || {
                let (mut user, mut random) = (user(number), Random::new(number.into()));
                let mut calls = 0;
                while calls == 0 || Instant::now() < end {
                    (0..50).for_each(|_| user.step(&mut random, 64));
                    calls += 50;
                    let mut market = market.lock().unwrap();
                    market.extend(user.give());
                    if market.len() > THREADS as usize {
                        let which = random.below(market.len());
                        user.accept(market.swap_remove(which));
                    }
                }
                user.finish();
                Sum::add(&mut sum.lock().unwrap(), calls, &user);
            });
        }
    });
    let (mut sum, mut last) = (sum.into_inner().unwrap(), user(THREADS));
    market.into_inner().unwrap().into_iter().for_each(|parcel| last.accept(parcel));
    last.finish();
    sum.add(0, &last);
    sum
}

fn talc(arena: &Arena) -> Talc {
    // SAFETY: the arena is this heap's alone, until it is dropped.
    unsafe { heap(arena.base(), arena.size()) }
}

fn left(arena: &Arena) -> usize {
    // SAFETY: all threads have ended.
    Ink::Blue.found_in(unsafe { arena.bytes() })
}

#[test]
fn threads_share_an_allocator() {
    let seconds = std::env::var(SECONDS).map_or(2.0, |text| text.parse().expect(SECONDS));
    let time = Duration::from_secs_f64(seconds / POLICIES.len() as f64);
    for policy in POLICIES {
        let arena = Arena::garbage(NPAGES);
        let alloc = ClearingAlloc::with_stats(talc(&arena), Counters::new()).with_policy(policy);
        let Sum { calls, faults, expected } = stress(&alloc, policy, time);
        assert_eq!(faults, Faults::default(), "{policy:?}");
        assert_eq!(alloc.stats().read(), expected, "{policy:?}: a clear too many or too few");
        let talc = alloc.inner().lock().counters().allocation_count;
        assert_eq!(talc, 0, "{policy:?}: blocks leaked");
        assert_eq!(left(&arena) == 0, policy.on_free, "{policy:?}: {} words left", left(&arena));
        println!("{policy:?}: {calls} calls, none wrong");
    }
}

#[test]
fn mistakes_are_found() {
    let (policy, time) = (InitPolicy::BOTH, Duration::from_millis(100));
    let arena = Arena::garbage(NPAGES);
    assert_ne!(stress(&Poisoning(talc(&arena)), policy, time).faults.not_zero, 0);
    assert_ne!(stress(&talc(&arena), policy, time).faults.not_zero, 0);
    assert_ne!(left(&arena), 0);
}
