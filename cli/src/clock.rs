//! The clock: how long this thread worked.

use std::time::{Duration, Instant};

/// A moment, by the clock on the wall and by the time that this thread has run.
pub struct Clock {
    wall: Instant,
    ran: Option<Duration>,
}

impl Clock {
    /// Now.
    pub fn start() -> Self {
        // In this order, so that what the thread ran is never too little.
        let ran = ran();
        Self { wall: Instant::now(), ran }
    }

    /// The time since then without that in which others had the CPU: on a busy machine a call that
    /// takes longer than a time slice would never be seen whole.
    ///
    /// The wall's clock is read in nanoseconds and not in a system call, so it is the one that
    /// counts unless it was much longer.
    pub fn elapsed(&self) -> Duration {
        let wall = self.wall.elapsed();
        let ran = self.ran.zip(ran()).map(|(start, end)| end.saturating_sub(start));
        ran.map_or(wall, |ran| wall.min(ran))
    }
}

/// CPU time of this thread.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn ran() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).ok()
}

/// Nobody tells with the resolution that it takes.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn ran() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_runs_while_work_is_done() {
        let clock = Clock::start();
        let start = Instant::now();
        let mut sum = 0_u64;
        while clock.elapsed() < Duration::from_millis(20) {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(start.elapsed() >= Duration::from_millis(20));
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    #[test]
    fn it_stands_while_others_have_the_cpu() {
        let clock = Clock::start();
        std::thread::sleep(Duration::from_millis(200));
        assert!(clock.elapsed() < Duration::from_millis(100), "{:?}", clock.elapsed());
    }
}
