//! The command line.

use std::ffi::OsStr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, StringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::compare::{self, Compare};
use crate::format::Formatted;
use crate::generate::Completions;
use crate::harness::manual::Man;
use crate::harness::units::{Size, number};
use crate::judge::{self, Judge};
use crate::render;
use crate::report::{Backing, Temperature};
use crate::tune::{self, Tune};

/// Measures every primitive with which this CPU can zero memory.
///
/// Without a command: compares clearpage with memset and with the fastest primitive of this CPU, on one
/// screen, in about ten seconds.
#[derive(Debug, Parser)]
#[command(name = "clearpage", version)]
#[command(after_help = "\
Exit status: 0 on success, 2 if an argument is wrong or a file cannot be read or written, 130 if the \
measurement was interrupted.

Examples:
  clearpage
  clearpage bench --quick --json zen5.json
  clearpage bench --help")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the machine: CPU, feature bits, caches, page sizes, hypervisor
    #[command(after_help = "Examples:\n  clearpage info\n  clearpage info --format json")]
    Info(Formatted),
    /// List every primitive: available or why not, and where the plan uses it
    #[command(after_help = "Examples:\n  clearpage list\n  CLEARPAGE_FORCE=stosb clearpage list")]
    List {
        /// Print only what holds for every CPU of this ISA, as a Markdown table
        #[arg(long, conflicts_with = "format")]
        markdown: bool,
        #[command(flatten)]
        formatted: Formatted,
    },
    /// Measure primitives and the plan, and compare them with memset, slice::fill and one call a page
    #[command(after_help = "\
Ctrl-C stops the measurement, prints and writes the completed figures, and exits with status 130. \
A second Ctrl-C ends the program at once.

Exit status: 0 if all was measured or the time limit was reached, 2 if an argument is wrong or a \
resource is unavailable, 130 if the measurement was interrupted.

Examples:
  clearpage bench --quick
  clearpage bench --temperature cold --size 64K,2M --unit ns
  clearpage bench --temperature all --backing all --threads all --json zen5.json
  clearpage bench --primitive stosb,clzero --cpu 0-3,8 --loops 31
  clearpage bench --share=results")]
    Bench(Box<Bench>),
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
#[derive(Debug, Default, Args)]
pub struct Bench {
    /// Only these primitives, with the plan
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_parser = PrimitiveName)]
    pub primitive: Vec<String>,
    /// Only these sizes, in bytes or as 64K, 2M, 1G [default: 4K to 1G in steps of 4]
    #[arg(long, value_name = "SIZE,...", value_delimiter = ',')]
    pub size: Vec<Size>,
    /// State of the memory before it is cleared [default: hot,cold]
    #[arg(long, alias = "intent", value_name = "NAME,...", value_delimiter = ',',
          value_parser = one_or_all::<Temperature>())]
    pub temperature: Vec<Vec<Temperature>>,
    /// Pages that the memory is mapped by [default: thp; base on Windows]
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
    #[arg(long, value_name = "N", value_parser = number(3_u16, u16::MAX))]
    pub loops: Option<u16>,
    /// Fewer sizes and rounds: about 4 seconds instead of 22
    #[arg(long, conflicts_with = "loops")]
    pub quick: bool,
    /// Unit of the printed figures
    #[arg(long, value_enum, default_value_t)]
    pub unit: Unit,
    #[command(flatten)]
    pub formatted: Formatted,
    /// Write the report to this file; -: to standard output, with the tables on standard error
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Measure every temperature, and write the report and its charts to this folder, named after
    /// the CPU; print how to send them [default folder: .]
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, require_equals = true,
          default_missing_value = ".")]
    pub share: Option<PathBuf>,
    #[command(flatten)]
    pub drawings: render::Drawings,
}

/// The unit of the tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Unit {
    /// 10^9 bytes a second
    #[default]
    Gbps,
    /// Nanoseconds a page
    Ns,
    /// Cycles of the time stamp counter a page
    Cycles,
}

/// The name of a primitive. Shells complete those of this build; `bench` refuses others, with the
/// reason.
#[derive(Clone, Copy, Debug)]
struct PrimitiveName;

impl TypedValueParser for PrimitiveName {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names = clearpage::primitives().iter().map(|row| PossibleValue::new(row.name()));
        Some(Box::new(names))
    }
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
    /// As given: whether there are such CPUs is checked before the ranges are expanded.
    Some(Vec<RangeInclusive<usize>>),
    All,
}

impl FromStr for Cpus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("all") {
            return Ok(Self::All);
        }
        let range = |part: &str| -> Option<_> {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (first.parse::<usize>().ok()?, last.parse().ok()?);
            (first <= last).then_some(first..=last)
        };
        let ranges: Option<Vec<_>> = text.split(',').map(range).collect();
        let wrong = || "allowed are numbers and ranges of them, as 0-3,8, and all".to_owned();
        ranges.ok_or_else(wrong).map(Self::Some)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn cpus_are_read_as_ranges() {
        assert_eq!("8,0-3,2".parse(), Ok(Cpus::Some(vec![8..=8, 0..=3, 2..=2])));
        assert_eq!("7".parse(), Ok(Cpus::Some(vec![7..=7])));
        assert_eq!("All".parse(), Ok(Cpus::All));
        for text in ["", "3-1", "x", "1,", "-1", "1-2-3"] {
            assert!(text.parse::<Cpus>().unwrap_err().contains("as 0-3,8"), "{text}");
        }
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
