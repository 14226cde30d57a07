//! `clearpage-replay graph500`: a Kronecker graph made, and searched from many roots.

use std::hash::{DefaultHasher, Hasher};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use clearpage::{PAGE_SIZE, Page};
use indicatif::ProgressBar;

use crate::arena::{Arena, Init};
use crate::bfs::{search, search_room};
use crate::graph::{Graph, graph_room};
use crate::ground::{self, Ground};
use crate::kronecker::{EDGE_FACTOR, SCALES, edges, edges_room, vertices};
use crate::race::{Interrupted, Sample, Stopwatch, go_on, race};
use crate::report::{Published, Workload};
use crate::validate::{validate, validate_room};
use crate::{Common, Finished, cost, nothing_to_tell};
use clearpage_cli::UserError;
use clearpage_cli::harness::memory;
use clearpage_cli::harness::pin::pin;
use clearpage_cli::harness::progress::progress;
use clearpage_cli::harness::units::number;

pub(super) const ARMS: [Init; 2] = [Init::PerPage, Init::Plan];

const NOTES: [&str; 4] = [
    "Published: all of the kernel's time, of all threads. Here: a program's own allocator, over",
    "memory that was touched before, and one thread; init is nothing but the hook. Total is making",
    "and searching the graph; that trees are validated and compared is not in it. The published",
    "change is one call of the same primitive; the plan may choose another.",
];

#[derive(Debug, clap::Args)]
pub struct Args {
    /// log2 of the number of vertices
    #[arg(long, value_name = "N", default_value_t = 19,
          value_parser = number(*SCALES.start(), *SCALES.end()))]
    pub scale: u32,
    /// Number of searches, each from another root
    #[arg(long, value_name = "N", default_value_t = 64,
          value_parser = number(1_u32, u32::MAX))]
    pub roots: u32,
    #[command(flatten)]
    pub common: Common,
}

/// Returns the bytes that a scale needs.
fn room(scale: u32) -> u64 {
    edges_room(scale) + graph_room(scale) + search_room(scale) + validate_room(scale)
}

/// Replays it; tells the exit code.
///
/// # Errors
/// An argument cannot be served.
///
/// # Panics
/// If a tree breaks a rule, or differs from one run to another.
pub fn run(args: &Args, stop: &AtomicBool) -> Result<ExitCode, UserError> {
    let output = args.common.output()?;
    let bytes = ground::for_scale(args.scale, room)?;
    // Where it cannot be pinned it moves: figures are noisier, not wrong.
    let _ = pin(None);
    let rounds = usize::from(args.common.rounds);
    let runs = 1 + ARMS.len() * rounds;
    let run =
        Run { scale: args.scale, roots: args.roots as usize, bar: ProgressBar::hidden(), stop };
    let Ok(small) = run.small() else { return Ok(nothing_to_tell(&run.bar)) };
    cost::announce(small.seconds_of(runs, run.searches()), args.scale, bytes);
    let mut ground = Ground::take(bytes)?;
    let run = Run { bar: progress((run.roots + 2) * runs), ..run };

    // The first run warms up, and is the one whose trees are judged.
    let Ok(judged) = run.once(ground.pages(), ARMS[0], true) else {
        return Ok(nothing_to_tell(&run.bar));
    };
    let mut seconds_an_edge = [0.0; ARMS.len()];
    let raced = race(&ARMS, rounds, |init| {
        let found = run.once(ground.pages(), init, false)?;
        assert!(found.trees == judged.trees, "{}: trees differ from run to run", init.name());
        let arm = ARMS.iter().position(|&arm| arm == init).expect("one of them");
        let each = found.seconds.iter().zip(&judged.edges);
        seconds_an_edge[arm] += each.map(|(seconds, &edges)| seconds / edges as f64).sum::<f64>();
        Ok(found.sample)
    });
    run.bar.finish_and_clear();
    if raced.rounds.is_empty() {
        return Ok(nothing_to_tell(&run.bar));
    }
    let searches = (judged.trees.len() * raced.rounds.len()) as f64;
    Finished {
        ground: &ground,
        workload: Workload::Graph500 {
            scale: args.scale,
            edge_factor: EDGE_FACTOR,
            roots: judged.trees.len(),
            teps: seconds_an_edge.map(|seconds| searches / seconds).to_vec(),
        },
        cleared: judged.cleared,
        inits: &ARMS,
        raced: &raced,
        published: &[
            Published::new("Graph500 64C128T", "kernel time", [1841.8, 914.8, -0.503]),
            Published::new("Graph500 16C32T", "kernel time", [956.7, 583.7, -0.390]),
        ],
        notes: &NOTES,
    }
    .tell(output)
}

/// The input of every run.
struct Run<'a> {
    scale: u32,
    roots: usize,
    bar: ProgressBar,
    stop: &'a AtomicBool,
}

/// The result of a run.
struct Found {
    sample: Sample,
    cleared: u64,
    trees: Vec<u64>,
    seconds: Vec<f64>,
    /// Seconds for the validation of all trees.
    validation: f64,
    /// Edges that each search traversed, if the trees were validated.
    edges: Vec<u64>,
}

impl Found {
    /// Returns the seconds of `runs` runs with `searches` searches each, of which the first is
    /// validated, at this run's scale.
    fn seconds_of(&self, runs: usize, searches: usize) -> f64 {
        let (runs, searches, found) = (runs as f64, searches as f64, self.trees.len() as f64);
        let searching: f64 = self.seconds.iter().sum();
        let generation = self.sample.total - searching;
        runs * (generation + searches * searching / found) + searches * self.validation / found
    }
}

impl Run<'_> {
    /// Runs on a small graph, for an estimate.
    fn small(&self) -> Result<Found, Interrupted> {
        const ROOTS: usize = 8;
        let (scale, roots) = (cost::small(self.scale), self.roots.min(ROOTS));
        let run = Run { scale, roots, bar: ProgressBar::hidden(), ..*self };
        run.once(memory::Arena::new(room(scale) as usize).pages(), ARMS[0], true)
    }

    /// Returns the number of searches: no root is searched from twice.
    fn searches(&self) -> usize {
        self.roots.min(vertices(self.scale))
    }

    fn once(&self, pages: &mut [Page], init: Init, judge: bool) -> Result<Found, Interrupted> {
        let arena = Arena::new(pages, init, NonZeroUsize::MIN);
        let step = |what: &str| {
            self.bar.set_message(format!("{}: {what}", init.name()));
            self.bar.inc(1);
            go_on(self.stop)
        };
        let (mut clock, mut validation) = (Stopwatch::default(), Stopwatch::default());
        let (edges, _) = clock.time(|| edges(&arena, self.scale));
        step("edges")?;
        let (graph, _) = clock.time(|| Graph::new(&arena, vertices(self.scale), &edges));
        step("graph")?;
        let (mut trees, mut seconds, mut inside) = (Vec::new(), Vec::new(), Vec::new());
        for root in graph.roots(self.roots) {
            let (tree, time) = clock.time(|| search(&arena, &graph, root));
            seconds.push(time);
            let mut digest = DefaultHasher::new();
            digest.write(tree.parents.as_bytes());
            trees.push(digest.finish());
            if judge {
                let (judged, _) = validation.time(|| validate(&arena, &edges, root, &tree));
                inside
                    .push(judged.unwrap_or_else(|broken| panic!("tree of root {root}: {broken}")));
            }
            step(&format!("root {root}"))?;
        }
        let spent = arena.spent();
        let sample = Sample { init: spent.time.as_secs_f64(), total: clock.seconds };
        Ok(Found {
            sample,
            cleared: spent.npages * PAGE_SIZE as u64,
            trees,
            seconds,
            validation: validation.seconds,
            edges: inside,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::garbage;

    #[test]
    fn trees_are_the_same_bit_for_bit_in_all_arms() {
        let stop = AtomicBool::new(false);
        for scale in [4, 9] {
            let run = Run { scale, roots: 8, bar: ProgressBar::hidden(), stop: &stop };
            let mut pages = garbage(room(scale));
            let judged = run.once(&mut pages, Init::PerPage, true).unwrap();
            assert_eq!((judged.trees.len(), judged.edges.len()), (8, 8));
            for init in [Init::PerPage, Init::Batch, Init::Plan] {
                let found = run.once(&mut pages, init, false).unwrap();
                assert_eq!(found.trees, judged.trees);
                assert!(found.sample.init > 0.0 && found.sample.init < found.sample.total);
                // A judge's marks take memory too.
                assert!(found.cleared < judged.cleared);
            }
        }
    }

    #[test]
    fn time_is_that_of_all_runs_searches_and_the_validation() {
        let found = Found {
            sample: Sample { init: 1.0, total: 10.0 },
            cleared: 0,
            trees: vec![0; 2],
            seconds: vec![1.0, 3.0],
            validation: 12.0,
            edges: Vec::new(),
        };
        assert_eq!(found.seconds_of(1, 2), 10.0 + 12.0);
        assert_eq!(found.seconds_of(11, 64), 11.0 * (6.0 + 64.0 * 2.0) + 64.0 * 6.0);
    }

    #[test]
    fn the_planned_memory_suffices() {
        let stop = AtomicBool::new(false);
        for scale in (4..14).chain([16]) {
            let run = Run { scale, roots: 2, bar: ProgressBar::hidden(), stop: &stop };
            assert!(run.once(&mut garbage(room(scale)), Init::Plan, true).is_ok());
        }
    }
}
