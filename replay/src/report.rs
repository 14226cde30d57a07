//! What a replay found: the table is printed from it, and the JSON is it.

use serde::{Deserialize, Serialize};

use crate::arena::Init;
use crate::ground::Kind;
use crate::race::Raced;
use clearpage_cli::harness::machine::Machine;
use clearpage_cli::harness::measure::median;

/// Changes when a field changes its meaning or goes.
pub const SCHEMA: u32 = 1;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub schema: u32,
    pub version: String,
    pub command: Vec<String>,
    /// When it ended, in seconds since 1970-01-01 UTC.
    pub ended: u64,
    /// Whether all rounds that were asked for are here; not where somebody interrupted it.
    pub complete: bool,
    pub machine: Machine,
    /// Bytes a page of the tool's build.
    pub page_size: usize,
    pub memory: Kind,
    pub workload: Workload,
    /// Bytes that the hook cleared in one run.
    pub cleared: u64,
    /// The ways to clear: the one before the change first.
    pub arms: Vec<Arm>,
    /// What was published of the change.
    pub published: Vec<Published>,
    /// In what this differs from what was published.
    pub notes: Vec<String>,
}

/// What was replayed, and how large.
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
        /// Edges a second that a search goes over, harmonic mean, by arm.
        teps: Vec<f64>,
    },
    Pagerank {
        scale: u32,
        edge_factor: usize,
        threads: usize,
        /// Passes over the graph until the ranks stood still.
        iterations: u32,
        /// How far the ranks are from the fixed point at most, all together.
        distance: f64,
    },
}

/// One way to clear, and what it took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    pub name: String,
    /// Who cleared a block, and in how many calls.
    pub what: String,
    /// In the hook: time of the CPUs, of all threads together.
    pub init: Times,
    pub total: Times,
}

/// A time, of several rounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Times {
    pub seconds: f64,
    /// Change from the first arm, as -0.5 for half of it: the median of what it was in each round.
    pub change: f64,
    pub samples: Vec<f64>,
}

/// A row of what was published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// What was run, as the change names it.
    pub workload: String,
    pub figure: String,
    pub before: f64,
    pub after: f64,
    /// As [`Times::change`], as it was published.
    pub change: f64,
}

impl Published {
    pub fn new(workload: &str, figure: &str, [before, after, change]: [f64; 3]) -> Self {
        Self { workload: workload.to_owned(), figure: figure.to_owned(), before, after, change }
    }
}

impl Times {
    fn new(samples: Vec<f64>, first: &[f64]) -> Self {
        let mut changes: Vec<_> = samples.iter().zip(first).map(|(t, first)| t / first).collect();
        let change = median(&mut changes) - 1.0;
        Self { seconds: median(&mut samples.clone()), change, samples }
    }
}

/// The arms of a race, of which at least one round is over.
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
    fn changes_are_those_of_a_round() {
        // A machine that is slow for a round is so for both.
        let sample = |init, total| Sample { init, total };
        let rounds = vec![
            vec![sample(4.0, 8.0), sample(2.0, 6.0)],
            vec![sample(40.0, 80.0), sample(20.0, 60.0)],
            vec![sample(6.0, 12.0), sample(3.0, 9.0)],
        ];
        let raced = Raced { rounds, complete: true };
        let arms = arms(&[Init::PerPage, Init::Plan], &raced);
        assert_eq!((&*arms[0].name, &*arms[1].name), ("before", "plan"));
        assert_eq!((arms[0].init.seconds, arms[0].init.change), (6.0, 0.0));
        assert_eq!((arms[1].init.seconds, arms[1].init.change), (3.0, -0.5));
        assert_eq!((arms[1].total.seconds, arms[1].total.change), (9.0, -0.25));
        assert_eq!(arms[1].init.samples, [2.0, 20.0, 3.0]);
    }
}
