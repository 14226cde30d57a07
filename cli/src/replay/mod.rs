//! `clearpage replay`: the measurements that the Linux change "use batch page clearing in
//! kernel_init_pages()" was published with, made again here.
//!
//! From the top: a workload (`hugetlb`, `graph500`, `pagerank`) in memory of the `ground`, handed
//! out by the `arena` as `page_vec`s. The `race` runs its arms in turn; what came of it is a
//! `report`, which `table` prints. `graph500` is a `bfs`, judged by `validate`, in a `graph` of the
//! edges of `kronecker`; `pagerank` finds the `ranks` of the same graph.

pub mod arena;
pub mod bfs;
mod free;
pub mod graph;
pub mod graph500;
pub mod ground;
pub mod hugetlb;
pub mod kronecker;
pub mod page_vec;
pub mod pagerank;
pub mod race;
pub mod ranks;
pub mod report;
mod table;
#[cfg(test)]
mod testing;
pub mod validate;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use clap::Subcommand;
use clearpage::PAGE_SIZE;
use indicatif::ProgressBar;

use self::arena::Init;
use self::ground::Ground;
use self::race::Raced;
use self::report::{Published, Report, SCHEMA, Workload};
use crate::UserError;
use crate::interrupt::{INTERRUPTED, interrupted};
use crate::machine::Machine;
use crate::output::Output;
use crate::terminal::Plain;

/// What to replay.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The workload.
    #[command(subcommand)]
    pub workload: Command,
}

/// The workloads of the change.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Allocate 8192 huge pages of 2 MiB: page by page, in one call a block, and by the plan
    #[command(after_help = "\
Examples:
  clearpage replay hugetlb
  clearpage replay hugetlb --memory 4G --rounds 3 --json hugetlb.json

Reserved huge pages are used where there are some free (sysctl vm.nr_hugepages).")]
    Hugetlb(hugetlb::Args),
    /// Search a Kronecker graph breadth first, its memory from an allocator under init_on_alloc
    #[command(after_help = "\
Examples:
  clearpage replay graph500
  clearpage replay graph500 --scale 22 --roots 16 --rounds 5 --json graph500.json")]
    Graph500(graph500::Args),
    /// Rank the vertices of the same graph, its memory from an allocator under init_on_alloc
    #[command(after_help = "\
Examples:
  clearpage replay pagerank
  clearpage replay pagerank --scale 22 --threads 8 --json pagerank.json")]
    Pagerank(pagerank::Args),
}

/// What all replays are asked.
#[derive(Debug, clap::Args)]
pub struct Common {
    /// Rounds, of which the median is told; each has a run of every arm
    #[arg(long, value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u16).range(1..))]
    pub rounds: u16,
    /// Write the figures to this file as well
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// Replays; tells the exit code, which is another if it was interrupted.
///
/// # Errors
/// An argument cannot be served: found before anything is measured.
pub fn run(args: &Args) -> Result<ExitCode, UserError> {
    let stop: &AtomicBool = &interrupted();
    match &args.workload {
        Command::Hugetlb(args) => hugetlb::run(args, stop),
        Command::Graph500(args) => graph500::run(args, stop),
        Command::Pagerank(args) => pagerank::run(args, stop),
    }
}

impl Common {
    /// The file, opened before there is anything to write.
    fn output(&self) -> Result<Option<Output>, UserError> {
        self.json.as_deref().map(|path| Output::open("--json", path)).transpose()
    }
}

/// What a workload has to tell when it is over.
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
    /// Prints it, and writes it where it was asked for.
    fn tell(self, output: Option<Output>) -> Result<ExitCode, UserError> {
        let report = Report {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command: std::env::args().skip(1).collect(),
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
        let text = serde_json::to_string_pretty(&report);
        let text = text.map_err(|error| UserError(error.to_string()))? + "\n";
        // Written first: whoever reads the table may go away before its end.
        let written = output.map(|output| output.write(&text)).transpose();
        table::print(&report);
        if let Some(path) = written? {
            println!("written: {}", Plain(path.display()));
        }
        Ok(ExitCode::from(if report.complete { 0 } else { INTERRUPTED }))
    }
}

/// Told where not even one round is over; the exit code.
fn nothing_to_tell(bar: &ProgressBar) -> ExitCode {
    bar.finish_and_clear();
    eprintln!("interrupted before the first round was over: nothing was measured");
    ExitCode::from(INTERRUPTED)
}
