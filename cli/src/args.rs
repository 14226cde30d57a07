//! The command line.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::compare::{self, Compare};
use crate::generate::{Completions, Man};
use crate::harness::units::parse_size;
use crate::judge::{self, Judge};
use crate::render;
use crate::report::{Backing, Temperature};
use crate::tune::{self, Tune};

/// Measures every primitive with which this CPU can zero memory.
///
/// Without a command: prints the machine and its primitives, then runs a benchmark of under a minute.
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
    /// Print the machine: CPU, feature bits, caches, page sizes, hypervisor
    #[command(after_help = "Example:\n  clearpage info")]
    Info,
    /// List every primitive: available or why not, and where the plan uses it
    #[command(after_help = "Example:\n  clearpage list\n  CLEARPAGE_FORCE=stosb clearpage list")]
    List {
        /// Print only what holds for every CPU of this ISA, as a Markdown table
        #[arg(long)]
        markdown: bool,
    },
    /// Measure primitives and the plan, and compare them with memset, slice::fill and one call a page
    #[command(after_help = "\
Examples:
  clearpage bench --quick
  clearpage bench --temperature cold --size 64K,2M
  clearpage bench --temperature all --backing all --threads 1,2,all --json zen5.json
  clearpage bench --primitive stosb,clzero --cpu 0-3,8 --loops 31

Ctrl-C stops the measurement, prints and writes the completed figures, and exits with status 130. \
A second Ctrl-C ends the program at once. Exit status 2: an argument is wrong or a resource is \
unavailable.")]
    Bench(Bench),
    /// Draw a report: a page, charts or a CSV table
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
    /// Compare two reports: print what is faster or slower by more than noise
    #[command(after_help = compare::HELP)]
    Compare(Compare),
    /// Compare the default choice of primitives with the figures of a report
    #[command(after_help = judge::HELP)]
    Judge(Judge),
    /// Measure the best primitive for each length, for CLEARPAGE_TUNING
    #[command(after_help = tune::HELP)]
    Tune(Tune),
    /// Print a completion script for a shell
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
    /// Only these sizes, in bytes or as 64K, 2M, 1G [default: 4K to 1G in steps of 4]
    #[arg(long, value_name = "SIZE,...", value_delimiter = ',', value_parser = parse_size)]
    pub size: Vec<u64>,
    /// State of the memory before it is cleared [default: hot,cold]
    #[arg(long, alias = "intent", value_name = "NAME,...", value_delimiter = ',',
          value_parser = one_or_all::<Temperature>())]
    pub temperature: Vec<Vec<Temperature>>,
    /// Pages that the memory is mapped by [default: thp]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',',
          value_parser = one_or_all::<Backing>())]
    pub backing: Vec<Vec<Backing>>,
    /// Number of threads, each with its own CPU and memory; all: one for each CPU [default: 1]
    #[arg(long, value_name = "N,...", value_delimiter = ',')]
    pub threads: Vec<Threads>,
    /// CPUs to measure one after another, as 0-3,8, or all. Several threads run on the first of
    /// them [default: the first allowed CPU]
    #[arg(long, value_name = "CPUS")]
    pub cpu: Option<Cpus>,
    /// Number of rounds, at least 3, without a time limit [default: up to 25 in 22 seconds for
    /// each temperature, CPU, number of threads and backing]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(3..))]
    pub loops: Option<u16>,
    /// Ten seconds: fewer sizes, fewer rounds
    #[arg(long, conflicts_with = "loops")]
    pub quick: bool,
    /// Write the report to this file; -: to standard output, with the tables on standard error
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    #[command(flatten)]
    pub drawings: render::Drawings,
}

/// Parses a value of `T`, or `all` of them.
fn one_or_all<T: ValueEnum + Send + Sync + 'static>() -> impl TypedValueParser<Value = Vec<T>> {
    let named = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    let all = PossibleValue::new("all").help("All of these that are available");
    PossibleValuesParser::new(named.chain([all])).map(|name| match T::from_str(&name, false) {
        Ok(value) => vec![value],
        Err(_) => T::value_variants().to_vec(),
    })
}

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
        // Far more than any system has. The limit bounds the time of parsing.
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
    fn a_list_of_cpus_has_a_limit() {
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
