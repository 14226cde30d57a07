//! Threads that share one allocator, for a second or as long as the environment requests:
//! `CLEARPAGE_STRESS_SECONDS=3600 cargo test --release --test clearing_alloc stress`.

use clearpage::hooks::{ClearingAlloc, Counters};
use clearpage_testkit::flags::POLICIES;
use clearpage_testkit::recording::Recording;
use clearpage_testkit::stress::{duration, stress};

use crate::user;

#[test]
fn threads_share_an_allocator() {
    for policy in POLICIES {
        let alloc = ClearingAlloc::with_stats(Recording::default(), Counters::new());
        let alloc = alloc.with_policy(policy);
        let report =
            stress(duration() / POLICIES.len() as u32, |number| user(&alloc, policy, number << 28));
        assert_eq!(report.faults, [], "{policy:?}");
        assert_eq!(
            alloc.stats().read(),
            report.expected,
            "{policy:?}: redundant or missing clears"
        );
        let calls = alloc.inner().calls();
        let found = (calls.unwiped, calls.live, calls.unknown, calls.overrun);
        assert_eq!(found, (report.unwiped, 0, 0, 0), "{policy:?}");
        println!("{policy:?}: {} steps without an error", report.steps);
    }
}
