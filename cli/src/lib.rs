//! The library of the `clearpage` tool.
//!
//! Only [`harness`] is meant for other packages: the benchmarks and the replays measure with it.
//! The hidden modules are public for the tests and fuzz targets.
//!
//! A command (`info`, `list`, `bench`) calls `grid` for what to measure and [`harness`] for the
//! figures. They become a `report`, which `table` prints, serde writes and `render` draws. `load`
//! reads reports; `compare` compares two of them, `judge` compares the default tuning of a recorded
//! CPU (`facts`) with its figures, and `tune` measures a tuning. A report is untrusted input:
//! `input` and `limits` bound what is read, [`harness::terminal`] escapes what is printed, and
//! [`harness::output`] never writes through a symbolic link.

#[doc(hidden)]
pub mod args;
mod bench;
mod c_library;
mod cgroup;
#[doc(hidden)]
pub mod compare;
mod cpuinfo;
#[doc(hidden)]
pub mod facts;
mod files;
mod generate;
mod grid;
pub mod harness;
mod info;
mod input;
#[doc(hidden)]
pub mod judge;
mod limits;
mod list;
#[doc(hidden)]
pub mod load;
mod microarchitecture;
mod noise;
#[doc(hidden)]
pub mod render;
#[doc(hidden)]
pub mod report;
mod table;
mod tune;

use std::fmt;
use std::process::ExitCode;

use args::{Cli, Command};

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
    match &cli.command {
        Some(Command::Info) => info::print(),
        Some(Command::List { markdown: true }) => list::print_markdown(),
        Some(Command::List { markdown: false }) => list::print(),
        Some(Command::Render(args)) => render::run(args)?,
        Some(Command::Gallery(args)) => render::gallery::run(args)?,
        Some(Command::Completions(args)) => generate::completions(args)?,
        Some(Command::Man(args)) => generate::man(args)?,
        Some(Command::Bench(args)) => return bench::run(args),
        Some(Command::Compare(args)) => return compare::run(args),
        Some(Command::Judge(args)) => return Ok(judge::run(args)),
        Some(Command::Tune(args)) => return tune::run(args),
        None => {
            info::print();
            println!();
            list::print();
            println!();
            return bench::run(&cli.bench);
        }
    }
    Ok(ExitCode::SUCCESS)
}
