//! The library of the `clearpage` tool.
//!
//! Only [`harness`] is meant for other packages: the benchmarks and the replays measure with it.
//! The hidden modules are public for the tests and fuzz targets.
//!
//! `measurement` checks the arguments of `bench`, takes from `grid` what to measure, and from
//! [`harness`] the figures. They become a `report`, which `overview` and `table` lay out, serde writes
//! and `render` draws. `report::load` reads reports; `compare` compares two of them, `judge` compares
//! the default tuning of a recorded CPU with its figures, `tune` measures a tuning, and `share` writes
//! the files of a CPU for the gallery. `format` prints rows as JSON or CSV. A report is untrusted
//! input: `input` and `report::limits` bound what is read, and [`harness::terminal`] escapes what is
//! printed. [`harness::output`] writes all files and standard output.

#[doc(hidden)]
pub mod args;
mod bench;
mod c_library;
mod cgroup;
#[doc(hidden)]
pub mod compare;
mod cpuinfo;
#[doc(hidden)]
pub mod format;
mod generate;
mod grid;
pub mod harness;
mod info;
mod input;
mod isas;
#[doc(hidden)]
pub mod judge;
mod list;
mod measurement;
mod microarchitecture;
#[doc(hidden)]
pub mod overview;
#[doc(hidden)]
pub mod render;
#[doc(hidden)]
pub mod report;
mod share;
mod table;
mod tune;

use std::fmt;
use std::process::ExitCode;

use args::{Cli, Command};
use clap::CommandFactory;

/// An error that the user can correct. The message says what was wrong and what is allowed.
#[derive(Debug)]
pub struct UserError(pub String);

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UserError {}

/// Runs a command and returns the exit code of the process.
///
/// # Errors
/// An argument or a variable is wrong, or a file cannot be read or written.
#[doc(hidden)]
pub fn run(cli: &Cli) -> Result<ExitCode, UserError> {
    // These need no plan, and may be run to correct a malformed one.
    let planless = |command: &Command| {
        use Command::{Compare, Completions, Judge, Man, Tune};
        matches!(command, Compare(_) | Judge(_) | Tune(_) | Completions(_) | Man(_))
    };
    if !cli.command.as_ref().is_some_and(planless) {
        clearpage::init().map_err(|error| UserError(error.to_string()))?;
    }
    let text = match &cli.command {
        Some(Command::Info(args)) => info::text(args.format),
        Some(Command::List { markdown: true, .. }) => list::markdown(),
        Some(Command::List { markdown: false, formatted }) => list::text(formatted.format),
        Some(Command::Completions(args)) => generate::completions(args),
        Some(Command::Man(args)) => harness::manual::page(Cli::command(), args)?,
        Some(Command::Render(args)) => render::run(args).map(|()| String::new())?,
        Some(Command::Gallery(args)) => render::gallery::run(args).map(|()| String::new())?,
        Some(Command::Compare(args)) => return printed(compare::run(args)?),
        Some(Command::Judge(args)) => return printed(judge::run(args)),
        Some(Command::Tune(args)) => return tune::run(args),
        Some(Command::Bench(args)) => return bench::run(args),
        None => return overview::run(),
    };
    printed((text, ExitCode::SUCCESS))
}

fn printed((text, code): (String, ExitCode)) -> Result<ExitCode, UserError> {
    harness::output::print(&text).map(|()| code)
}
