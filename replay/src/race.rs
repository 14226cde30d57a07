//! Runs the arms of a replay in turn, round after round, so that a disturbance affects all of them.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

use crate::arena::Init;
use clearpage_cli::harness::rounds;

/// The stop flag was set before the work was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted;

/// Returns an error if `stop` is set.
pub fn go_on(stop: &AtomicBool) -> Result<(), Interrupted> {
    if stop.load(Relaxed) { Err(Interrupted) } else { Ok(()) }
}

/// The times of one run of one arm in seconds: inside the hook, and in total.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    pub init: f64,
    pub total: f64,
}

/// The completed rounds, each with a sample of every arm.
#[derive(Debug)]
pub struct Raced {
    pub rounds: Vec<Vec<Sample>>,
    /// Whether all requested rounds were completed.
    pub complete: bool,
}

/// Runs each of `arms` in each of `rounds`, in a new order each round. An interrupted round is dropped.
pub fn race(
    arms: &[Init],
    rounds: usize,
    mut run: impl FnMut(Init) -> Result<Sample, Interrupted>,
) -> Raced {
    let rounds_over = rounds::race(arms.len(), rounds, |i| run(arms[i]));
    Raced { complete: rounds_over.len() == rounds, rounds: rounds_over }
}

/// The sum of the timed parts of a run, in seconds.
#[derive(Debug, Default)]
pub struct Stopwatch {
    pub seconds: f64,
}

impl Stopwatch {
    /// Runs `work`, and returns its result and its seconds.
    pub fn time<R>(&mut self, work: impl FnOnce() -> R) -> (R, f64) {
        let start = Instant::now();
        let result = work();
        let seconds = start.elapsed().as_secs_f64();
        self.seconds += seconds;
        (result, seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_belong_to_their_arms() {
        let arms = [Init::PerPage, Init::Batch, Init::Plan];
        let raced =
            race(&arms, 7, |init| Ok(Sample { init: 1.0, total: f64::from(init == Init::Plan) }));
        assert!(raced.complete);
        assert_eq!(raced.rounds.len(), 7);
        for round in raced.rounds {
            assert_eq!([round[0].total, round[1].total, round[2].total], [0.0, 0.0, 1.0]);
        }
    }

    #[test]
    fn interrupted_round_is_dropped() {
        let mut left = 5;
        let raced = race(&[Init::PerPage, Init::Plan], 7, |_| {
            left -= 1;
            if left == 0 { Err(Interrupted) } else { Ok(Sample { init: 1.0, total: 1.0 }) }
        });
        assert!(!raced.complete);
        assert_eq!((raced.rounds.len(), left), (2, 0));
    }
}
