//! The arms of a replay in turn, round after round, so that whatever else the machine does meets all
//! of them.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

use crate::arena::Init;
use clearpage_cli::harness::rounds;

/// Somebody asked for the end before the work was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted;

/// Goes on only if nobody asked for the end.
///
/// # Errors
/// Somebody did, and set `stop`.
pub fn go_on(stop: &AtomicBool) -> Result<(), Interrupted> {
    if stop.load(Relaxed) { Err(Interrupted) } else { Ok(()) }
}

/// What one run of one arm took, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    pub init: f64,
    pub total: f64,
}

/// Rounds that are over.
#[derive(Debug)]
pub struct Raced {
    pub rounds: Vec<Vec<Sample>>,
    /// Whether they are all that were asked for.
    pub complete: bool,
}

/// Runs each of `arms` in each of `rounds`, in another order each round, until somebody asks for the
/// end: a round that is not over then is not kept.
pub fn race(
    arms: &[Init],
    rounds: usize,
    mut run: impl FnMut(Init) -> Result<Sample, Interrupted>,
) -> Raced {
    let rounds_over = rounds::race(arms.len(), rounds, |i| run(arms[i]));
    Raced { complete: rounds_over.len() == rounds, rounds: rounds_over }
}

/// The stopwatch of a run: it goes while there is something to measure.
#[derive(Debug, Default)]
pub struct Stopwatch {
    pub seconds: f64,
}

impl Stopwatch {
    /// Does what is to be measured; tells its seconds too.
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
    fn samples_are_those_of_their_arms() {
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
    fn a_round_that_is_interrupted_is_not_kept() {
        let mut left = 5;
        let raced = race(&[Init::PerPage, Init::Plan], 7, |_| {
            left -= 1;
            if left == 0 { Err(Interrupted) } else { Ok(Sample { init: 1.0, total: 1.0 }) }
        });
        assert!(!raced.complete);
        assert_eq!((raced.rounds.len(), left), (2, 0));
    }
}
