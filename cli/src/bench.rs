//! `clearpage bench`: measures, then writes and prints the report.

use std::process::ExitCode;
use std::time::Duration;

use crate::args::Bench;
use crate::format::Format;
use crate::harness::interrupt::INTERRUPTED;
use crate::harness::measure::End;
use crate::harness::output::{Outputs, note};
use crate::harness::terminal::Plain;
use crate::harness::units::cost;
use crate::measurement::Measurement;
use crate::render::{Drawing, csv};
use crate::share::Share;
use crate::{UserError, report, table};

/// A measurement that takes longer is announced.
const LONG: Duration = Duration::from_secs(30);

/// Runs the benchmark and returns the exit code.
///
/// # Errors
/// An argument cannot be satisfied, which is detected before the first measurement, or a resource
/// is lost during the run. In the second case the completed measurements are written and printed.
pub fn run(args: &Bench) -> Result<ExitCode, UserError> {
    let json = args.json.iter().map(|path| ("--json", path.as_path(), report::json as Drawing));
    let outputs = Outputs::open(json.chain(args.drawings.wanted()), None)?;
    let measurement = Measurement::of(args)?;
    let share = args.share.as_deref().map(|folder| Share::of(measurement.machine(), folder));
    let share = share.transpose()?;
    let (time, bytes) = measurement.cost()?;
    if time > LONG {
        note(&cost(time, bytes));
    }
    let (report, end) = measurement.run();
    let text = match args.formatted.format {
        Format::Table => table::text(&report, args.unit),
        Format::Json => report::json(&report),
        Format::Csv => csv::csv(&report),
    };
    // The reader of the table may close the pipe, which ends the process.
    let request = share.map(|share| share.write(&report));
    outputs.finish(|drawing| drawing(&report), &text)?;
    match request {
        None => {}
        Some(Ok(request)) => request.lines().for_each(|line| note(&Plain(line))),
        Some(Err(error)) if matches!(end, End::Interrupted) => note(&Plain(error)),
        Some(Err(error)) => return Err(error),
    }
    finished(end)
}

/// Returns the exit code of a measurement.
///
/// # Errors
/// A resource was lost.
pub fn finished(end: End) -> Result<ExitCode, UserError> {
    match end {
        End::Complete | End::TooSlow => Ok(ExitCode::SUCCESS),
        End::Interrupted => Ok(ExitCode::from(INTERRUPTED)),
        End::Failed(error) => Err(error),
    }
}
