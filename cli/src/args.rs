//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::compare::{self, Compare};
use crate::generate::{Completions, Man};
use crate::render;
use crate::report::Temperature;
use crate::tune::{self, Tune};
use crate::units::parse_size;

/// Measures every way this CPU has to zero memory.
///
/// Without a command: what the machine is, what it can do, and a benchmark of under a minute.
#[derive(Debug, Parser)]
#[command(name = "clearpage", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of the benchmark.
    #[command(flatten)]
    pub bench: Bench,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tell what this machine is: CPU, feature bits, caches, page sizes, hypervisor
    Info,
    /// List every primitive: available or why not, and where the plan uses it
    List,
    /// Measure primitives and the plan, beside memset, slice::fill and one call a page
    #[command(after_help = "\
Examples:
  clearpage bench --intent cold --size 64K --size 2M
  clearpage bench --primitive stosb --primitive clzero --cpu 1 --json zen5.json")]
    Bench(Bench),
    /// Draw what a bench wrote to its JSON file, here or elsewhere
    #[command(after_help = "\
Examples:
  clearpage render zen5.json --html zen5.html
  clearpage render zen5.json --csv zen5.csv --svg zen5.svg")]
    Render(render::Render),
    /// Make a page of every JSON file in a folder, and one that shows them all
    #[command(after_help = "\
Example:
  clearpage gallery results")]
    Gallery(render::gallery::Gallery),
    /// Compare two reports: what got faster and slower, noise considered
    #[command(after_help = compare::HELP)]
    Compare(Compare),
    /// Measure which primitive is best from which length on, for CLEARPAGE_TUNING
    #[command(after_help = tune::HELP)]
    Tune(Tune),
    /// Print what makes a shell complete this tool's arguments
    #[command(after_help = "\
Example:
  clearpage completions bash > ~/.local/share/bash-completion/completions/clearpage")]
    Completions(Completions),
    /// Print a manual page
    #[command(after_help = "\
Examples:
  clearpage man > clearpage.1
  clearpage man bench | man -l -")]
    Man(Man),
}

/// What to measure.
#[derive(Debug, Args)]
pub struct Bench {
    /// Only this primitive (repeat for more; `clearpage list` names them)
    #[arg(long, value_name = "NAME")]
    pub primitive: Vec<String>,
    /// Only this size, in bytes or as 64K, 2M, 1G (repeat for more) [default: 4K to 1G, times 4]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub size: Vec<u64>,
    /// Only memory that is in the cache (hot) or that is not (cold)
    #[arg(long)]
    pub intent: Option<Heat>,
    /// Samples of each figure, 3 or more; then no time limit holds [default: up to 9 in a minute]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(3..))]
    pub loops: Option<u16>,
    /// Run on this CPU [default: where the program happens to be]
    #[arg(long, value_name = "N")]
    pub cpu: Option<usize>,
    /// Write the figures to this file as well
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Pictures of them.
    #[command(flatten)]
    pub outputs: render::outputs::Outputs,
}

/// Hot or cold, on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Heat {
    /// The same memory again and again
    Hot,
    /// A walk through more memory than the caches hold
    Cold,
}

impl Heat {
    /// The same as the measurement knows it.
    pub fn temperature(self) -> Temperature {
        match self {
            Self::Hot => Temperature::Hot,
            Self::Cold => Temperature::Cold,
        }
    }
}
