//! `clearpage-replay pagerank`: a Kronecker graph made, and its vertices ranked.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use clearpage::{PAGE_SIZE, Page};
use indicatif::ProgressBar;

use crate::arena::{Arena, Init};
use crate::graph::{Graph, graph_room};
use crate::graph500::ARMS;
use crate::ground::{self, Ground};
use crate::kronecker::{EDGE_FACTOR, SCALES, edges, edges_room, vertices};
use crate::race::{Interrupted, Sample, Stopwatch, go_on, race};
use crate::ranks::{distance, page_rank, ranks_room};
use crate::report::{Published, Workload};
use crate::{Common, Finished, cost, nothing_to_tell};
use clearpage_cli::UserError;
use clearpage_cli::harness::memory;
use clearpage_cli::harness::pin;
use clearpage_cli::harness::progress::progress;
use clearpage_cli::harness::units::number;

const NOTES: [&str; 4] = [
    "Published: all of the kernel's time, of all threads. Here: a program's own allocator, over",
    "memory that was touched before; init is nothing but the hook, in all threads together. Total is",
    "making the graph, on one thread, and ranking its vertices, on all of them. The published change",
    "is one call of the same primitive; the plan may choose another.",
];

/// Upper bound of the distance from the fixed point, summed over the ranks.
const NEAR: f64 = 1e-9;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// log2 of the number of vertices
    #[arg(long, value_name = "N", default_value_t = 19,
          value_parser = number(*SCALES.start(), *SCALES.end()))]
    pub scale: u32,
    /// Number of threads that clear and rank [default: one for each CPU]
    #[arg(long, value_name = "N", value_parser = number(1_usize, usize::MAX))]
    pub threads: Option<usize>,
    #[command(flatten)]
    pub common: Common,
}

/// Returns the bytes that a scale needs.
fn room(scale: u32) -> u64 {
    edges_room(scale) + graph_room(scale) + ranks_room(scale)
}

/// Replays it; tells the exit code.
///
/// # Errors
/// An argument cannot be served.
///
/// # Panics
/// If the ranks are not where iteration ends, or differ from one run to another.
pub fn run(args: &Args, stop: &AtomicBool) -> Result<ExitCode, UserError> {
    let output = args.common.output()?;
    let threads = threads(args.threads, pin::allowed()?.len())?;
    // What is checked needs as much again as a rank, outside.
    let need = |scale| room(scale) + ((size_of::<f64>() as u64) << scale);
    let bytes = ground::for_scale(args.scale, need)?;
    if threads == NonZeroUsize::MIN {
        // Where it cannot be pinned it moves: figures are noisier, not wrong.
        let _ = pin::pin(None);
    }
    let rounds = usize::from(args.common.rounds);
    let runs = 1 + ARMS.len() * rounds;
    let run = Run { scale: args.scale, threads, bar: ProgressBar::hidden(), stop };
    let Ok(small) = run.small() else { return Ok(nothing_to_tell(&run.bar)) };
    cost::announce(runs as f64 * small.sample.total, args.scale, bytes);
    let mut ground = Ground::take(bytes)?;
    let run = Run { bar: progress(3 * runs), ..run };

    // The first run warms up, and is the one whose ranks are checked.
    let Ok(first) = run.once(ground.pages(), ARMS[0], true) else {
        return Ok(nothing_to_tell(&run.bar));
    };
    let distance = first.distance.expect("checked");
    assert!(distance < NEAR, "the ranks are {distance:e} from the fixed point");
    let raced = race(&ARMS, rounds, |init| {
        let found = run.once(ground.pages(), init, false)?;
        assert!(found.ranks == first.ranks, "{}: ranks differ from run to run", init.name());
        Ok(found.sample)
    });
    run.bar.finish_and_clear();
    if raced.rounds.is_empty() {
        return Ok(nothing_to_tell(&run.bar));
    }
    Finished {
        ground: &ground,
        workload: Workload::Pagerank {
            scale: args.scale,
            edge_factor: EDGE_FACTOR,
            threads: threads.get(),
            iterations: first.iterations,
            distance,
        },
        cleared: first.cleared,
        inits: &ARMS,
        raced: &raced,
        published: &[
            Published::new("Pagerank 32T", "kernel time", [118.5, 72.8, -0.385]),
            Published::new("Pagerank 128T", "kernel time", [156.3, 100.4, -0.357]),
        ],
        notes: &NOTES,
    }
    .tell(output)
}

/// Returns the number of threads, which is at most that of the CPUs.
fn threads(asked: Option<usize>, cpus: usize) -> Result<NonZeroUsize, UserError> {
    let threads = asked.unwrap_or(cpus);
    match NonZeroUsize::new(threads).filter(|_| threads <= cpus) {
        Some(threads) => Ok(threads),
        None => Err(UserError(format!(
            "--threads {threads}: allowed are up to {cpus}, the CPUs that this process may use"
        ))),
    }
}

/// The input of every run.
struct Run<'a> {
    scale: u32,
    threads: NonZeroUsize,
    bar: ProgressBar,
    stop: &'a AtomicBool,
}

/// The result of a run.
struct Found {
    sample: Sample,
    cleared: u64,
    ranks: Vec<u8>,
    iterations: u32,
    /// The distance from the fixed point, if requested.
    distance: Option<f64>,
}

impl Run<'_> {
    /// Runs on a small graph, for an estimate.
    fn small(&self) -> Result<Found, Interrupted> {
        let scale = cost::small(self.scale);
        let run = Run { scale, bar: ProgressBar::hidden(), ..*self };
        run.once(memory::Arena::new(room(scale) as usize).pages(), ARMS[0], false)
    }

    fn once(&self, pages: &mut [Page], init: Init, check: bool) -> Result<Found, Interrupted> {
        let arena = Arena::new(pages, init, self.threads);
        let step = |what: &str| {
            self.bar.set_message(format!("{}: {what}", init.name()));
            self.bar.inc(1);
            go_on(self.stop)
        };
        let mut clock = Stopwatch::default();
        let (edges, _) = clock.time(|| edges(&arena, self.scale));
        step("edges")?;
        let (graph, _) = clock.time(|| Graph::new(&arena, vertices(self.scale), &edges));
        step("graph")?;
        let heard = |i| {
            self.bar.set_message(format!("{}: iteration {i}", init.name()));
            go_on(self.stop)
        };
        let ranked = clock.time(|| page_rank(&arena, &graph, heard)).0?;
        step("ranks")?;
        let spent = arena.spent();
        Ok(Found {
            sample: Sample { init: spent.time.as_secs_f64(), total: clock.seconds },
            cleared: spent.npages * PAGE_SIZE as u64,
            ranks: ranked.ranks.as_bytes().to_vec(),
            iterations: ranked.iterations,
            distance: check.then(|| distance(&graph, &ranked.ranks)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::garbage;

    #[test]
    fn ranks_are_the_same_bit_for_bit_in_all_arms() {
        let stop = &AtomicBool::new(false);
        let threads = |threads| NonZeroUsize::new(threads).unwrap();
        let run = |n| Run { scale: 9, threads: threads(n), bar: ProgressBar::hidden(), stop };
        let mut pages = garbage(room(9));
        let first = run(1).once(&mut pages, Init::PerPage, true).unwrap();
        assert!(first.distance.unwrap() < NEAR);
        for (threads, init) in [(1, Init::Plan), (2, Init::PerPage), (2, Init::Plan)] {
            let found = run(threads).once(&mut pages, init, false).unwrap();
            assert!(found.ranks == first.ranks, "{threads} threads, {init:?}");
            assert_eq!((found.cleared, found.iterations), (first.cleared, first.iterations));
            assert!(found.sample.init > 0.0 && found.sample.init < found.sample.total);
        }
    }

    #[test]
    fn the_planned_memory_suffices() {
        let stop = AtomicBool::new(false);
        for scale in (4..14).chain([16]) {
            let threads = NonZeroUsize::MIN;
            let run = Run { scale, threads, bar: ProgressBar::hidden(), stop: &stop };
            assert!(run.once(&mut garbage(room(scale)), Init::Plan, false).is_ok());
        }
    }
}
