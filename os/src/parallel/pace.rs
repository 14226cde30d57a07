//! Finds the number of threads during the work itself.

use std::time::Duration;

/// Pieces of the calling thread per decision, after one that passes while new threads start. The
/// fastest counts: other programs slow a piece down, but nothing speeds it up.
const PIECES: u32 = 3;
/// Doubling the threads pays if the new ones do at least a third of the old ones' work. Less is
/// mostly noise, and the CPUs are better left to others.
const WORTH: f64 = 1.0 / 3.0;
/// Time to start a thread and to end it, measured under load.
const START: Duration = Duration::from_micros(25);
/// A thread is started only if the rest takes this many times as long as its start: if it does not
/// help, 2.5 % are lost.
const PATIENCE: f64 = 40.0;

/// The number of threads, judged by the speed of the calling thread among them. While memory keeps
/// up, that thread is as fast as it was alone. Once memory is saturated, twice as many threads
/// halve its speed.
pub(super) struct Pace {
    threads: usize,
    most: usize,
    settled: bool,
    /// Threads before the last change, and their combined speed.
    before: Option<(usize, f64)>,
    pieces: u32,
    /// Fastest piece since the last change, in bytes per second of the calling thread.
    fastest: f64,
}

impl Pace {
    /// Uses `threads` threads throughout.
    pub(super) fn fixed(threads: usize) -> Self {
        Self { threads, settled: true, ..Self::find(threads) }
    }

    /// Starts with one thread, then adds threads while they pay, up to `most`.
    pub(super) fn find(most: usize) -> Self {
        Self { threads: 1, most, settled: false, before: None, pieces: 0, fastest: 0.0 }
    }

    /// Returns the number of threads that should run now.
    pub(super) fn threads(&self) -> usize {
        self.threads
    }

    /// Returns the maximum number of threads.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// Limits the number to `threads`, because the system refuses more.
    pub(super) fn only(&mut self, threads: usize) {
        self.threads = threads;
        self.settled = true;
    }

    /// Records that the calling thread cleared `bytes` in `time`, with `left` such pieces left.
    pub(super) fn piece(&mut self, bytes: usize, time: Duration, left: usize) {
        if self.settled {
            return;
        }
        self.pieces += 1;
        if self.pieces == 1 {
            return;
        }
        self.fastest = self.fastest.max(bytes as f64 / time.as_secs_f64().max(1e-9));
        if self.pieces > PIECES {
            self.judge(left as f64 * bytes as f64);
        }
    }

    fn judge(&mut self, left: f64) {
        let together = self.fastest * self.threads as f64;
        if let Some((fewer, slower)) = self.before {
            let added = (self.threads - fewer) as f64 / fewer as f64;
            if together < slower * (1.0 + WORTH * added) {
                self.threads = fewer;
                self.settled = true;
                return;
            }
        }
        let more = self.most.min(2 * self.threads);
        let price = START.as_secs_f64() * (more - self.threads) as f64;
        if more == self.threads || left / together < PATIENCE * price {
            self.settled = true;
            return;
        }
        self.before = Some((self.threads, together));
        self.threads = more;
        self.pieces = 0;
        self.fastest = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIECE: usize = 8 << 20;

    /// A machine whose memory keeps up with `saturates_at` of its CPUs, at 10 GB/s each.
    struct Machine {
        cpus: usize,
        saturates_at: f64,
    }

    impl Machine {
        /// Returns the final and the maximum number of threads for `npieces` pieces, of which every
        /// `hiccup`th takes ten times as long.
        fn clear(&self, npieces: usize, hiccup: usize) -> (usize, usize) {
            let mut pace = Pace::find(self.cpus);
            let (mut left, mut turn, mut most) = (npieces, 0, 1);
            while left > 0 {
                let threads = pace.threads();
                most = most.max(threads);
                left = left.saturating_sub(threads);
                let alone = PIECE as f64 / 10e9;
                let mut time = alone * (threads as f64 / self.saturates_at).max(1.0);
                turn += 1;
                if turn % hiccup == 0 {
                    time *= 10.0;
                }
                pace.piece(PIECE, Duration::from_secs_f64(time), left);
            }
            (pace.threads(), most)
        }
    }

    const MANY: usize = 4096;
    const NEVER: usize = usize::MAX;

    #[test]
    fn a_cpu_that_saturates_memory_stays_alone() {
        let machine = Machine { cpus: 2, saturates_at: 1.02 };
        assert_eq!(machine.clear(MANY, NEVER), (1, 2));
    }

    #[test]
    fn threads_stop_once_memory_is_saturated() {
        // 6.0: eight threads are 1.5 times as fast as four.
        for (saturates_at, threads) in [(1.5, 2), (2.0, 2), (4.0, 4), (6.0, 8), (9.0, 8)] {
            let machine = Machine { cpus: 64, saturates_at };
            assert_eq!(machine.clear(MANY, NEVER).0, threads, "saturated by {saturates_at}");
        }
    }

    #[test]
    fn every_cpu_is_used_if_memory_keeps_up() {
        for cpus in [2, 3, 6, 64] {
            let machine = Machine { cpus, saturates_at: 1000.0 };
            assert_eq!(machine.clear(MANY, NEVER), (cpus, cpus));
        }
    }

    #[test]
    fn a_delayed_piece_does_not_decide() {
        for hiccup in [2, 3, 5] {
            let machine = Machine { cpus: 16, saturates_at: 4.0 };
            assert_eq!(machine.clear(MANY, hiccup).0, 4, "every piece number {hiccup}");
        }
    }

    #[test]
    fn short_work_starts_no_thread() {
        let machine = Machine { cpus: 64, saturates_at: 64.0 };
        // A piece takes 0.8 ms. The first decision comes after four, and a thread costs 25 us.
        assert_eq!(machine.clear(4, NEVER), (1, 1));
        assert_eq!(machine.clear(5, NEVER), (1, 1));
        assert_eq!(machine.clear(7, NEVER), (2, 2));
    }

    #[test]
    fn a_fixed_number_stays() {
        let mut pace = Pace::fixed(5);
        for _ in 0..100 {
            pace.piece(PIECE, Duration::from_millis(1), MANY);
            assert_eq!(pace.threads(), 5);
        }
        pace.only(3);
        assert_eq!(pace.threads(), 3);
    }
}
