//! `clearpage` without a command: a short measurement on one screen.

pub mod screen;
mod verdict;

use std::process::ExitCode;

use self::screen::Screen;
use crate::UserError;
use crate::args::Bench;
use crate::bench::finished;
use crate::harness::output::print;
use crate::measurement::Measurement;

/// Measures hot and cold memory, and prints the screen.
///
/// # Errors
/// A resource was lost, or standard output cannot be written.
pub fn run() -> Result<ExitCode, UserError> {
    let args = Bench { quick: true, ..Bench::default() };
    let (report, end) = Measurement::of(&args)?.run();
    print(&screen::text(&report, Screen::detect()))?;
    finished(end)
}
