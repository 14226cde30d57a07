//! `clearpage tune`: measures the best primitive for each length on this CPU.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use clearpage::{Intent, Tuning};
use clearpage_os::measure::{Measured, Verdict};
use serde::Serialize;

use crate::format::Formatted;
use crate::harness::output::{Outputs, print};
use crate::harness::table::{align_right, lines, ruled};
use crate::harness::terminal::{Plain, paragraph};
use crate::harness::units::{count, format_size};
use crate::{UserError, input};

#[derive(Debug, Args)]
pub struct Tune {
    /// Write the tuning to this file; -: to standard output, with the reasons on standard error
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub output: PathBuf,
    /// Check whether this tuning still fits this CPU, and write nothing
    #[arg(long, value_name = "FILE", conflicts_with = "output")]
    pub check: Option<PathBuf>,
    /// Start no measurement after this many seconds
    #[arg(long, value_name = "SECONDS", default_value = "1.7", value_parser = parse_seconds)]
    pub budget: Duration,
    #[command(flatten)]
    pub formatted: Formatted,
}

/// The text of `--help` below the options.
pub const HELP: &str = "\
Races one primitive of each mechanism (vector stores, string instruction, non-temporal stores, block \
instruction) against the default, at lengths from a page to twice the last-level cache. Cold is \
judged by clearing memory that is not in the cache; Hot by clearing and then using memory, in the \
cache and not; Auto by all three. Another primitive is preferred if it is more than 4 % faster. A \
checked tuning no longer fits if another primitive is more than 10 % faster.

A tuning is valid for the CPU model, microcode, hypervisor, caches and version of clearpage with \
which it was measured. Elsewhere CLEARPAGE_TUNING ignores it and prints a message.

Exit status: 0 if a tuning was written or the checked one fits, 1 if the checked one was measured \
elsewhere or no longer fits, 2 if it cannot be read, is malformed, or the budget was too short.

Examples:
  clearpage tune --output zen5.tuning && CLEARPAGE_TUNING=zen5.tuning program
  clearpage tune --check zen5.tuning";

/// The least speedup at which a checked tuning no longer fits.
const DOUBT: f64 = 1.10;
/// Far more than any tuning needs.
const MOST_BYTES: u64 = 64 << 10;

/// Measures or checks a tuning. Returns exit code 1 if a checked tuning does not fit.
///
/// # Errors
/// A file cannot be written, which is found before anything is measured, or it cannot be read, or
/// is no tuning; or the budget was over before anything was measured.
pub fn run(args: &Tune) -> Result<ExitCode, UserError> {
    match &args.check {
        Some(path) => check(path, args),
        None => make(args).map(|()| ExitCode::SUCCESS),
    }
}

/// Parses 0.001 to 60 seconds.
fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.001..=60.0).contains(seconds));
    let seconds = seconds.map(Duration::from_secs_f64);
    seconds.ok_or_else(|| "allowed are 0.001 to 60 seconds".to_owned())
}

fn make(args: &Tune) -> Result<(), UserError> {
    let output = Outputs::open([("--output", &*args.output, ())], None)?;
    let measured = measure(&Tuning::detect(), args.budget)?;
    let text = args.formatted.format.rows(&races(&measured), || told(&measured, "default"));
    output.finish(|()| measured.tuning().to_string(), &text)
}

fn check(path: &Path, args: &Tune) -> Result<ExitCode, UserError> {
    let name = Plain(path.display());
    let wrong = |what: String| UserError(format!("--check {}: {what}", path.display()));
    let text = input::read(path, MOST_BYTES).map_err(wrong)?;
    let text = String::from_utf8(text).map_err(|error| wrong(error.to_string()))?;
    let tuning = match text.parse::<Tuning>() {
        Ok(tuning) => tuning,
        Err(error) if error.is_foreign() => {
            print(&paragraph(&format!("{name} does not fit: {error}")))?;
            return Ok(ExitCode::from(1));
        }
        Err(error) => return Err(wrong(error.to_string())),
    };
    let measured = measure(&tuning, args.budget)?;
    let better: Vec<Verdict> =
        measured.verdicts().into_iter().filter(|verdict| verdict.gain > DOUBT).collect();
    let table = || {
        let mut out = told(&measured, "in the file");
        for Verdict { intent, len, before, after, .. } in &better {
            let (intent, len) = (intent.name(), format_size(*len as u64));
            let (before, after) = (before.name(), after.name());
            out += &paragraph(&format!(
                "{intent} from {len}: {after} is better than {before}, which the file has"
            ));
        }
        out + &match better.len() {
            0 => paragraph(&format!("{name} fits this CPU")),
            n => paragraph(&format!("{name} does not fit at {}", count(n, "length"))),
        }
    };
    print(&args.formatted.format.rows(&races(&measured), table))?;
    Ok(ExitCode::from(u8::from(!better.is_empty())))
}

/// A race as a row of JSON or CSV.
#[derive(Serialize)]
struct Race {
    intent: &'static str,
    from: usize,
    before: &'static str,
    after: &'static str,
    /// How many times as fast; `None` if the former primitive cannot run here.
    gain: Option<f64>,
}

fn races(measured: &Measured) -> Vec<Race> {
    let race = |verdict: Verdict| Race {
        intent: verdict.intent.name(),
        from: verdict.len,
        before: verdict.before.name(),
        after: verdict.after.name(),
        gain: verdict.gain.is_finite().then_some(verdict.gain),
    };
    measured.verdicts().into_iter().map(race).collect()
}

fn measure(base: &Tuning, budget: Duration) -> Result<Measured, UserError> {
    // The environment may name the very tuning that is to be replaced.
    base.install().map_err(|error| UserError(error.to_string()))?;
    let measured = clearpage_os::measure(base, budget);
    if measured.verdicts().is_empty() {
        let budget = budget.as_secs_f64();
        return Err(UserError(format!(
            "--budget {budget}: too short to measure anything, or less than 512 MiB of memory is free"
        )));
    }
    Ok(measured)
}

/// Returns the changes, their gains over `whose` tuning, and the questions without an answer.
fn told(measured: &Measured, whose: &str) -> String {
    let verdicts = measured.verdicts();
    let mut table = ruled();
    table.set_header(["intent", "from", whose, "measured", "gain"]);
    for verdict in &verdicts {
        table.add_row([
            verdict.intent.name().to_owned(),
            format_size(verdict.len as u64),
            verdict.before.name().to_owned(),
            verdict.after.name().to_owned(),
            percent(verdict.gain),
        ]);
    }
    align_right(&mut table, [1, 4]);
    let mut out = lines(table);
    for intent in Intent::ALL {
        let gains: Vec<f64> =
            verdicts.iter().filter(|v| v.intent == intent).map(|verdict| verdict.gain).collect();
        if !gains.is_empty() {
            let mean = gains.iter().sum::<f64>() / gains.len() as f64;
            let (name, n) = (intent.name(), gains.len());
            let (gain, lengths) = (percent(mean), count(n, "length"));
            out += &paragraph(&format!("{name}: {gain} over the {whose} on the mean of {lengths}"));
        }
    }
    let open = measured.unanswered();
    if let Some(first) = open.first() {
        let (n, case, len) = (open.len(), first.case.name(), format_size(first.len as u64));
        let questions = count(n, "question");
        out += &paragraph(&format!(
            "no time for {questions} ({case} at {len} and after): unchanged there; --budget gives more"
        ));
    }
    out
}

/// Formats a factor as its gain: 1.5 is "+50 %".
fn percent(gain: f64) -> String {
    if gain.is_finite() { format!("+{:.0} %", 100.0 * (gain - 1.0)) } else { "new".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_seconds_with_limits() {
        assert_eq!(parse_seconds("1.5"), Ok(Duration::from_millis(1500)));
        for text in ["", "0", "-1", "61", "1s", "inf", "NaN"] {
            assert!(parse_seconds(text).unwrap_err().contains("0.001 to 60"), "{text}");
        }
    }

    #[test]
    fn a_budget_that_measures_nothing_is_an_error() {
        let error = measure(&Tuning::detect(), Duration::ZERO).unwrap_err();
        assert!(error.0.contains("too short"), "{error}");
    }

    #[test]
    fn open_questions_are_named() {
        let measured = clearpage_os::measure(&Tuning::detect(), Duration::ZERO);
        let text = told(&measured, "default");
        assert!(text.contains("no time for") && text.contains("cold at"), "{text}");
    }
}
