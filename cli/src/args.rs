//! The command line.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::compare::{self, Compare};
use crate::generate::{Completions, Man};
use crate::harness::units::parse_size;
use crate::judge::{self, Judge};
use crate::render;
use crate::report::{Backing, Temperature};
use crate::tune::{self, Tune};

/// Measures every way this CPU has to zero memory.
///
/// Without a command: what the machine is, what it can do, and a benchmark of under a minute.
#[derive(Debug, Parser)]
#[command(name = "clearpage", version, args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  clearpage
  clearpage --quick --json zen5.json
  clearpage bench --help")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub bench: Bench,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tell what this machine is: CPU, feature bits, caches, page sizes, hypervisor
    #[command(after_help = "Example:\n  clearpage info")]
    Info,
    /// List every primitive: available or why not, and where the plan uses it
    #[command(after_help = "Example:\n  clearpage list\n  CLEARPAGE_FORCE=stosb clearpage list")]
    List,
    /// Measure primitives and the plan, beside memset, slice::fill and one call a page
    #[command(after_help = "\
Examples:
  clearpage bench --quick
  clearpage bench --temperature cold --size 64K,2M
  clearpage bench --temperature all --backing all --threads 1,2,all --json zen5.json
  clearpage bench --primitive stosb,clzero --cpu 0-3,8 --loops 31

Ctrl-C ends the measuring; what was measured is printed and written, and the exit code is 130. \
Pressed again, it ends the program. Exit code 2: something asked for cannot be had.")]
    Bench(Bench),
    /// Draw what a bench wrote to its JSON file, here or elsewhere
    #[command(after_help = "\
Examples:
  clearpage render zen5.json --html zen5.html
  clearpage render zen5.json --csv zen5.csv --svg zen5.svg")]
    Render(render::Render),
    /// Write an HTML page and an SVG picture of every report in a folder, and an index page
    #[command(after_help = "\
Example:
  clearpage gallery results")]
    Gallery(render::gallery::Gallery),
    /// Compare two reports: what got faster and slower, noise considered
    #[command(after_help = compare::HELP)]
    Compare(Compare),
    /// Judge the default choice of primitives by what was measured on a CPU, here or elsewhere
    #[command(after_help = judge::HELP)]
    Judge(Judge),
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
    /// Only these primitives (`clearpage list` names them)
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub primitive: Vec<String>,
    /// Only these sizes, in bytes or as 64K, 2M, 1G [default: 4K to 1G, times 4]
    #[arg(long, value_name = "SIZE,...", value_delimiter = ',', value_parser = parse_size)]
    pub size: Vec<u64>,
    /// What the memory is like before it is cleared [default: hot,cold]
    #[arg(long, alias = "intent", value_name = "NAME,...", value_delimiter = ',')]
    pub temperature: Vec<Heat>,
    /// Pages that the memory is mapped by [default: thp]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub backing: Vec<Pages>,
    /// So many threads at once, each on its own CPU and memory; or all: one a CPU [default: 1]
    #[arg(long, value_name = "N,...", value_delimiter = ',')]
    pub threads: Vec<Threads>,
    /// On these CPUs one after another, as 0-3,8, or all; where there are several threads, on the
    /// first of these [default: the first that may be used]
    #[arg(long, value_name = "CPUS")]
    pub cpu: Option<Cpus>,
    /// Rounds, 3 or more; then no time limit holds [default: up to 25 in 22 seconds for each
    /// temperature, CPU, number of threads and backing]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(3..))]
    pub loops: Option<u16>,
    /// Ten seconds: fewer sizes, fewer rounds
    #[arg(long, conflicts_with = "loops")]
    pub quick: bool,
    /// Write the figures to this file as well
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    #[command(flatten)]
    pub outputs: render::outputs::Outputs,
}

/// Temperatures, on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Heat {
    /// The same memory again and again
    Hot,
    /// In the cache, cleared, then every line is read and written; the time is that of both
    Reuse,
    /// A walk through more memory than the caches hold
    Cold,
    /// As cold; then every line is read and written, and the time is that of both
    Use,
    /// Freshly mapped: the time is that of the page faults too
    Fault,
    /// All of these
    All,
}

impl Heat {
    /// The same as the measurement knows it.
    pub fn temperatures(&self) -> &'static [Temperature] {
        match self {
            Self::Hot => &[Temperature::Hot],
            Self::Reuse => &[Temperature::Reuse],
            Self::Cold => &[Temperature::Cold],
            Self::Use => &[Temperature::Use],
            Self::Fault => &[Temperature::Fault],
            Self::All => &Temperature::ALL,
        }
    }
}

/// Backings, on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Pages {
    /// The system's smallest pages
    Base,
    /// Transparent huge pages, where the system gives them
    Thp,
    /// Huge pages that were reserved
    Hugetlb,
    /// All of these that there are
    All,
}

impl Pages {
    /// The same as the measurement knows it.
    pub fn backings(&self) -> &'static [Backing] {
        match self {
            Self::Base => &[Backing::Base],
            Self::Thp => &[Backing::Thp],
            Self::Hugetlb => &[Backing::Hugetlb],
            Self::All => &Backing::ALL,
        }
    }
}

/// How many threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    Some(usize),
    All,
}

impl FromStr for Threads {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(n @ 1..) => Ok(Self::Some(n)),
            _ if text.eq_ignore_ascii_case("all") => Ok(Self::All),
            _ => Err("allowed are numbers from 1 on, and all".to_owned()),
        }
    }
}

/// Which CPUs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cpus {
    Some(Vec<usize>),
    All,
}

impl FromStr for Cpus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("all") {
            return Ok(Self::All);
        }
        // Far more than any system has: what is given is not counted up to the end of the day.
        const MOST: usize = 1 << 20;
        let range = |part: &str| -> Option<_> {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (first.parse::<usize>().ok()?, last.parse().ok()?);
            (first <= last && last < MOST).then_some(first..=last)
        };
        let ranges: Option<Vec<_>> = text.split(',').map(range).collect();
        let wrong = || "allowed are numbers and ranges of them, as 0-3,8, and all".to_owned();
        // A list is not longer than the longest range, even if it names that again and again.
        let cpus = ranges.ok_or_else(wrong)?.into_iter().flatten();
        let mut cpus: Vec<usize> = cpus.take(MOST + 1).collect();
        if cpus.len() > MOST {
            return Err(wrong());
        }
        cpus.sort_unstable();
        cpus.dedup();
        Ok(Self::Some(cpus))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn cpus_are_read_as_ranges() {
        assert_eq!("8,0-3,2".parse(), Ok(Cpus::Some(vec![0, 1, 2, 3, 8])));
        assert_eq!("7".parse(), Ok(Cpus::Some(vec![7])));
        assert_eq!("All".parse(), Ok(Cpus::All));
        for text in ["", "3-1", "x", "1,", "-1", "0-99999999999", "1-2-3"] {
            assert!(text.parse::<Cpus>().unwrap_err().contains("as 0-3,8"), "{text}");
        }
    }

    #[test]
    fn a_list_of_cpus_has_an_end() {
        assert!("0-1048575".parse::<Cpus>().is_ok());
        assert!("0-1048575,0".parse::<Cpus>().is_err());
    }

    #[test]
    fn threads_are_a_number_or_all() {
        assert_eq!("12".parse(), Ok(Threads::Some(12)));
        assert_eq!("all".parse(), Ok(Threads::All));
        for text in ["", "0", "-1", "1.5", "many"] {
            assert!(text.parse::<Threads>().unwrap_err().contains("from 1 on"), "{text}");
        }
    }

    #[test]
    fn every_command_has_an_example_in_its_help() {
        let mut cli = Cli::command();
        cli.build();
        for command in cli.get_subcommands().filter(|command| command.get_name() != "help") {
            let name = command.get_name();
            let help = command.clone().render_long_help().to_string();
            assert!(help.contains(&format!("  clearpage {name}")), "{help}");
        }
        assert!(cli.render_long_help().to_string().contains("Examples:\n  clearpage\n"));
    }
}
