//! Threads that use one allocator and exchange blocks.

use std::alloc::GlobalAlloc;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use clearpage::hooks::{Counts, OpCounts};

use crate::random::Random;
use crate::user::{Fault, User};

const THREADS: u32 = 4;
/// Blocks per thread.
const BLOCKS: usize = 64;

/// The sum over all users.
#[derive(Debug, Default)]
pub struct Report {
    /// Steps made.
    pub steps: u64,
    /// All errors.
    pub faults: Vec<Fault>,
    /// The statistics of a `ClearingAlloc` that is correct.
    pub expected: Counts,
    /// The number of blocks that are freed without a clear.
    pub unwiped: usize,
}

impl Report {
    fn add<A>(&mut self, user: &User<A>) {
        let sum = |sum: &mut OpCounts, one: OpCounts| {
            sum.clears += one.clears;
            sum.cleared_bytes += one.cleared_bytes;
            sum.skips += one.skips;
            sum.skipped_bytes += one.skipped_bytes;
        };
        self.faults.extend(&user.faults);
        self.unwiped += user.unwiped;
        sum(&mut self.expected.on_alloc, user.expected.on_alloc);
        sum(&mut self.expected.on_free, user.expected.on_free);
    }
}

/// Returns the duration of a stress test: `CLEARPAGE_STRESS_SECONDS`, or one second.
pub fn duration() -> Duration {
    const SECONDS: &str = "CLEARPAGE_STRESS_SECONDS";
    let seconds = std::env::var(SECONDS).map_or(1.0, |text| text.parse().expect(SECONDS));
    Duration::from_secs_f64(seconds)
}

/// Runs users of one allocator, created by number, each in a thread of its own, for `time`. Each
/// hands blocks to the others.
pub fn stress<'a, A: GlobalAlloc + Sync + 'a>(
    time: Duration,
    user: impl Fn(u32) -> User<'a, A> + Sync,
) -> Report {
    let (end, report, market) = (Instant::now() + time, Mutex::default(), Mutex::new(vec![]));
    let work = |number: u32| {
        let (mut user, mut random) = (user(number), Random::new(number.into()));
        let mut steps = 0;
        while steps == 0 || (Instant::now() < end && user.faults.is_empty()) {
            for _ in 0..50 {
                user.step(random.step(user.blocks.len(), BLOCKS));
            }
            steps += 50;
            let mut market = market.lock().unwrap();
            market.extend(user.blocks.pop());
            if market.len() > THREADS as usize {
                user.blocks.push(market.swap_remove(random.below(THREADS as usize)));
            }
        }
        user.finish();
        let mut report: std::sync::MutexGuard<'_, Report> = report.lock().unwrap();
        report.steps += steps;
        report.add(&user);
    };
    let work = &work;
    thread::scope(|scope| (0..THREADS).for_each(|number| _ = scope.spawn(move || work(number))));
    let mut last = user(THREADS);
    last.blocks = market.into_inner().unwrap();
    last.finish();
    let mut report = report.into_inner().unwrap();
    report.add(&last);
    report
}
