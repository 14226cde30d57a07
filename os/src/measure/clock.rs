//! Measures how long the calling thread ran.

use std::time::{Duration, Instant};

/// A point in time, on the wall clock and in the CPU time of this thread.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: Instant,
    ran: Option<Duration>,
}

impl Clock {
    /// Returns the current point in time.
    pub fn start() -> Self {
        // CPU time is read first here and last in `elapsed`, so that it is never too short.
        let ran = ran();
        Self { wall: Instant::now(), ran }
    }

    /// Returns the time since then, without the time in which other threads had the CPU: on a busy
    /// machine a call that takes longer than a time slice never runs without interruption.
    ///
    /// The result is the shorter of wall time and CPU time. The wall clock is read in nanoseconds
    /// and without a system call. Systems other than Linux do not report CPU time at a useful
    /// resolution; there the result is wall time.
    pub fn elapsed(&self) -> Duration {
        let wall = self.wall.elapsed();
        let ran = self.ran.zip(ran()).map(|(start, end)| end.saturating_sub(start));
        ran.map_or(wall, |ran| wall.min(ran))
    }
}

/// Returns the CPU time of this thread.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn ran() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).ok()
}

/// Returns `None`: CPU time is not available at a useful resolution.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn ran() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_runs_while_the_thread_runs() {
        // Read before the clock: the thread may lose the CPU between the two.
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
    fn the_clock_stops_while_the_thread_sleeps() {
        let clock = Clock::start();
        std::thread::sleep(Duration::from_millis(200));
        assert!(clock.elapsed() < Duration::from_millis(100), "{:?}", clock.elapsed());
    }
}
