//! Replays the measurements that the Linux change "use batch page clearing in kernel_init_pages()"
//! was published with.
//!
//! A workload (`hugetlb`, `graph500`, `pagerank`) runs in the memory of `ground`, which `arena`
//! allocates as `page_vec`s; `cost` estimates how long it takes. `race` runs the arms in turn, `report` holds the result, and `table`
//! prints it. `graph500` checks its `bfs` with `validate` in a `graph` of the edges of `kronecker`;
//! `pagerank` computes the `ranks` of the same graph.

mod arena;
mod bfs;
mod cost;
mod free;
mod graph;
mod graph500;
mod ground;
mod hugetlb;
mod kronecker;
mod page_vec;
mod pagerank;
mod race;
mod ranks;
mod report;
mod table;
#[cfg(test)]
mod testing;
mod validate;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use clearpage::PAGE_SIZE;
use indicatif::ProgressBar;

use crate::arena::Init;
use crate::ground::Ground;
use crate::race::Raced;
use crate::report::{Published, Report, SCHEMA, Workload};
use clearpage_cli::UserError;
use clearpage_cli::harness::interrupt::{INTERRUPTED, interrupted};
use clearpage_cli::harness::json;
use clearpage_cli::harness::machine::Machine;
use clearpage_cli::harness::manual::{self, Man};
use clearpage_cli::harness::output::{Outputs, note, print};
use clearpage_cli::harness::program::{self, recorded_arguments};
use clearpage_cli::harness::units::number;

/// Replays the measurements that the Linux change was published with.
#[derive(Debug, Parser)]
#[command(name = "clearpage-replay", version)]
#[command(after_help = "\
Exit status: 0 on success, 2 if an argument is wrong or memory is unavailable, 130 if a replay was \
interrupted.

Examples:
  clearpage-replay hugetlb
  clearpage-replay graph500 --scale 20 --json graph500.json
  clearpage-replay pagerank --threads 4")]
struct Cli {
    #[command(subcommand)]
    workload: Workloads,
}

#[derive(Debug, Subcommand)]
enum Workloads {
    /// Allocate 8192 huge pages of 2 MiB: page by page, in one call a block, and by the plan
    #[command(after_help = "\
Examples:
  clearpage-replay hugetlb
  clearpage-replay hugetlb --memory 4G --rounds 3 --json hugetlb.json

Reserved huge pages are used where there are some free (sysctl vm.nr_hugepages).")]
    Hugetlb(hugetlb::Args),
    /// Search a Kronecker graph breadth first, its memory from an allocator under init_on_alloc
    #[command(after_help = "\
Examples:
  clearpage-replay graph500
  clearpage-replay graph500 --scale 22 --roots 16 --rounds 5 --json graph500.json")]
    Graph500(graph500::Args),
    /// Rank the vertices of the same graph, its memory from an allocator under init_on_alloc
    #[command(after_help = "\
Examples:
  clearpage-replay pagerank
  clearpage-replay pagerank --scale 22 --threads 8 --json pagerank.json")]
    Pagerank(pagerank::Args),
    /// Print a manual page
    #[command(after_help = "Example:\n  clearpage-replay man hugetlb | man -l -")]
    Man(Man),
}

#[derive(Debug, clap::Args)]
struct Common {
    /// Rounds, each with a run of every arm; medians are printed
    #[arg(long, value_name = "N", default_value_t = 5,
          value_parser = number(1_u16, u16::MAX))]
    rounds: u16,
    /// Write the figures to this file as well
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    program::main(run)
}

fn run(cli: &Cli) -> Result<ExitCode, UserError> {
    let stop = || -> Result<_, UserError> {
        clearpage::init().map_err(|error| UserError(error.to_string()))?;
        Ok(interrupted())
    };
    match &cli.workload {
        Workloads::Hugetlb(args) => hugetlb::run(args, &*stop()?),
        Workloads::Graph500(args) => graph500::run(args, &*stop()?),
        Workloads::Pagerank(args) => pagerank::run(args, &*stop()?),
        Workloads::Man(args) => {
            print(&manual::page(Cli::command(), args)?).map(|()| ExitCode::SUCCESS)
        }
    }
}

impl Common {
    /// Opens the file before anything is measured.
    fn output(&self) -> Result<Outputs<()>, UserError> {
        Outputs::open(self.json.iter().map(|path| ("--json", path.as_path(), ())), None)
    }
}

/// The result of a workload.
struct Finished<'a> {
    ground: &'a Ground,
    workload: Workload,
    cleared: u64,
    inits: &'a [Init],
    raced: &'a Raced,
    published: &'a [Published],
    notes: &'a [&'a str],
}

impl Finished<'_> {
    /// Prints the result, and writes it to `output`.
    fn tell(self, output: Outputs<()>) -> Result<ExitCode, UserError> {
        let report = Report {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command: recorded_arguments(),
            ended: std::time::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_secs()),
            complete: self.raced.complete,
            machine: Machine::detect(),
            page_size: PAGE_SIZE,
            memory: self.ground.kind.clone(),
            workload: self.workload,
            cleared: self.cleared,
            arms: report::arms(self.inits, self.raced),
            published: self.published.to_vec(),
            notes: self.notes.iter().map(|&note| note.to_owned()).collect(),
        };
        output.finish(|()| json(&report), &table::text(&report))?;
        Ok(ExitCode::from(if report.complete { 0 } else { INTERRUPTED }))
    }
}

/// Reports that no round was completed, and returns the exit code.
fn nothing_to_tell(bar: &ProgressBar) -> ExitCode {
    bar.finish_and_clear();
    note(&"interrupted before the first round was over: nothing was measured");
    ExitCode::from(INTERRUPTED)
}
