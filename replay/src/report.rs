//! The report of a replay, from which the table and the JSON are made.

use serde::{Deserialize, Serialize};

use crate::arena::Init;
use crate::ground::Kind;
use crate::race::Raced;
use clearpage_cli::harness::machine::Machine;
use clearpage_cli::harness::measure::median;

/// Incremented when a field changes its meaning or is removed.
pub const SCHEMA: u32 = 2;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub schema: u32,
    pub version: String,
    pub command: Vec<String>,
    /// The end, in seconds since 1970-01-01 UTC.
    pub ended: u64,
    /// Whether all requested rounds were completed.
    pub complete: bool,
    pub machine: Machine,
    /// Bytes a page of the tool's build.
    pub page_size: usize,
    pub memory: Kind,
    pub workload: Workload,
    /// Bytes that the hook clears in one run.
    pub cleared: u64,
    /// The arms, of which the first is the state before the change.
    pub arms: Vec<Arm>,
    /// The published figures of the change.
    pub published: Vec<Published>,
    /// Differences from the published measurement.
    pub notes: Vec<String>,
}

/// The workload and its size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase")]
pub enum Workload {
    Hugetlb {
        blocks: usize,
        block: usize,
    },
    Graph500 {
        scale: u32,
        edge_factor: usize,
        roots: usize,
        /// Traversed edges a second, harmonic mean, by arm.
        teps: Vec<f64>,
    },
    Pagerank {
        scale: u32,
        edge_factor: usize,
        threads: usize,
        /// Passes over the graph until the ranks converged.
        iterations: u32,
        /// Upper bound of the distance from the fixed point, summed over the ranks.
        distance: f64,
    },
}

/// An arm and its times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    pub name: String,
    /// What cleared a block, and in how many calls.
    pub what: String,
    /// CPU time in the hook, summed over the threads.
    pub init: Times,
    pub total: Times,
}

/// The times of all rounds, in seconds, and their median.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Times {
    pub seconds: f64,
    /// Relative change from the first arm (-0.5: half the time), of the medians.
    pub change: f64,
    pub samples: Vec<f64>,
}

/// A published figure, in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// The name of the workload in the change.
    pub workload: String,
    pub figure: String,
    pub before: f64,
    pub after: f64,
    /// The published relative change.
    pub change: f64,
}

impl Published {
    pub fn new(workload: &str, figure: &str, [before, after, change]: [f64; 3]) -> Self {
        Self { workload: workload.to_owned(), figure: figure.to_owned(), before, after, change }
    }
}

impl Times {
    fn new(samples: Vec<f64>, first: &[f64]) -> Self {
        let [seconds, first] = [&*samples, first].map(|samples| median(&mut samples.to_vec()));
        Self { seconds, change: seconds / first - 1.0, samples }
    }
}

/// Returns the arms of a race with at least one completed round.
pub fn arms(inits: &[Init], raced: &Raced) -> Vec<Arm> {
    let times = |arm: usize, pick: fn(&crate::race::Sample) -> f64| {
        let of = |arm: usize| raced.rounds.iter().map(|round| pick(&round[arm])).collect();
        let first: Vec<f64> = of(0);
        Times::new(of(arm), &first)
    };
    let arm = |(i, init): (usize, &Init)| Arm {
        name: init.name().to_owned(),
        what: init.what(),
        init: times(i, |sample| sample.init),
        total: times(i, |sample| sample.total),
    };
    inits.iter().enumerate().map(arm).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::race::Sample;

    #[test]
    fn change_is_that_of_the_medians() {
        let sample = |init, total| Sample { init, total };
        let rounds = vec![
            vec![sample(4.0, 8.0), sample(2.0, 6.0)],
            vec![sample(40.0, 80.0), sample(20.0, 60.0)],
            vec![sample(6.0, 12.0), sample(5.0, 9.0)],
        ];
        let raced = Raced { rounds, complete: true };
        let arms = arms(&[Init::PerPage, Init::Plan], &raced);
        assert_eq!((&*arms[0].name, &*arms[1].name), ("before", "plan"));
        assert_eq!((arms[0].init.seconds, arms[0].init.change), (6.0, 0.0));
        assert_eq!((arms[1].init.seconds, arms[1].init.change), (5.0, 5.0 / 6.0 - 1.0));
        assert_eq!((arms[1].total.seconds, arms[1].total.change), (9.0, -0.25));
        assert_eq!(arms[1].init.samples, [2.0, 20.0, 5.0]);
    }
}
