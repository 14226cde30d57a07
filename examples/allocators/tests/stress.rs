//! Threads that share one talc under `ClearingAlloc`, for a second or `CLEARPAGE_STRESS_SECONDS`.

mod common;

use std::time::Duration;

use clearpage::hooks::{ClearingAlloc, Counters, InitPolicy};
use clearpage_allocators::Arena;
use clearpage_allocators::talc::{Talc, heap};
use clearpage_testkit::flags::POLICIES;
use clearpage_testkit::stress::{duration, stress};
use clearpage_testkit::user::{Fault, Ink};
use common::{Poisoning, user};

const NPAGES: usize = (32 << 20) / clearpage::PAGE_SIZE;

fn talc(arena: &Arena) -> Talc {
    // SAFETY: only this heap uses the arena, which outlives it.
    unsafe { heap(arena.base(), arena.size()) }
}

/// Counts the words of users in the arena.
fn left(arena: &Arena) -> usize {
    // SAFETY: all threads have ended.
    Ink::Blue.found_in(unsafe { arena.bytes() })
}

#[test]
fn threads_share_an_allocator() {
    for policy in POLICIES {
        let arena = Arena::garbage(NPAGES);
        let alloc = ClearingAlloc::with_stats(talc(&arena), Counters::new()).with_policy(policy);
        let user = |number| user(&alloc, policy, Ink::Blue, number << 28);
        let report = stress(duration() / POLICIES.len() as u32, user);
        assert_eq!(report.faults, [], "{policy:?}");
        assert_eq!(
            alloc.stats().read(),
            report.expected,
            "{policy:?}: redundant or missing clears"
        );
        let blocks = alloc.inner().lock().counters().allocation_count;
        assert_eq!(blocks, 0, "{policy:?}: blocks leaked");
        assert_eq!(left(&arena) == 0, policy.on_free, "{policy:?}: {} words left", left(&arena));
        println!("{policy:?}: {} steps without an error", report.steps);
    }
}

#[test]
fn mistakes_are_found() {
    let (policy, arena) = (InitPolicy::BOTH, Arena::garbage(NPAGES));
    let time = Duration::from_millis(100);
    let not_zero = |faults: Vec<Fault>| faults.iter().any(|f| matches!(f, Fault::NotZero(..)));
    let poisoning = Poisoning(talc(&arena));
    let report = stress(time, |number| user(&poisoning, policy, Ink::Blue, number << 28));
    assert!(not_zero(report.faults));
    let talc = talc(&arena);
    let report = stress(time, |number| user(&talc, policy, Ink::Blue, number << 28));
    assert!(not_zero(report.faults));
    assert_ne!(left(&arena), 0);
}
