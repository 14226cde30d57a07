//! How long this thread worked.

use std::time::{Duration, Instant};

/// A moment, on the wall and in CPU time of this thread.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: Instant,
    ran: Option<Duration>,
}

impl Clock {
    /// Returns the present moment.
    pub fn start() -> Self {
        // In this order, so that what the thread ran is never too little.
        let ran = ran();
        Self { wall: Instant::now(), ran }
    }

    /// Returns the time since then, without the time in which other threads had the CPU: on a busy
    /// machine a call that takes longer than a time slice is never run whole.
    ///
    /// The wall clock is read in nanoseconds and without a system call, so it counts unless it was
    /// longer. Systems other than Linux do not report CPU time at a useful resolution: there it
    /// always counts.
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

/// Not at a useful resolution.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn ran() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_runs_while_work_is_done() {
        // Before the clock: the thread may lose the CPU between the two.
        let start = Instant::now();
        let clock = Clock::start();
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
