//! `clearpage tune`: where one primitive takes over from another on this CPU, and why.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use clearpage::{Available, Intent, Tuning};
use comfy_table::CellAlignment;

use crate::UserError;
use crate::compare::format_ns;
use crate::noise::{Figure, ratio};
use crate::race::{LONGEST, Track};
use crate::table::ruled;
use crate::units::format_size;

/// What to do with a tuning.
#[derive(Debug, Args)]
pub struct Tune {
    /// Write the tuning to this file [default: to standard output, and why to standard error]
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Tell whether this tuning still fits this CPU; writes nothing
    #[arg(long, value_name = "FILE", conflicts_with = "output")]
    pub check: Option<PathBuf>,
}

/// What `--help` says below the options.
pub const HELP: &str = "\
Tries all primitives for a moment, then races those that seem better against what feature bits and
cache sizes suggest, beside every crossing: a primitive is preferred where it is more than 4 % faster
and by more than noise (as in compare). A tuning that is checked no longer fits where another primitive is more than 10 % faster.

Exit code of --check: 0 it fits, 1 it was made on another CPU or measures otherwise, 2 it is no
tuning or cannot be read.

Examples:
  clearpage tune --output zen5.tuning && CLEARPAGE_TUNING=zen5.tuning program
  clearpage tune --check zen5.tuning";

/// A primitive is preferred to the detected one when it is faster by this share.
const LEAD: f64 = 0.04;
/// What was preferred once is not doubted for less than this.
const DOUBT: f64 = 0.10;
/// Shorter requests have one primitive for all of them.
const SHORTEST: usize = 512;

/// Makes or checks a tuning. The exit code is 1 where a checked one does not fit.
///
/// # Errors
/// A file cannot be written, which is found before anything is measured, or it cannot be read, or
/// is no tuning.
pub fn run(args: &Tune) -> Result<ExitCode, UserError> {
    match &args.check {
        Some(path) => check(path),
        None => make(args.output.as_deref()).map(|()| ExitCode::SUCCESS),
    }
}

fn make(output: Option<&Path>) -> Result<(), UserError> {
    let refused = |path: &Path, error: std::io::Error| {
        UserError(format!("--output {}: {error}", path.display()))
    };
    if let Some(path) = output {
        writable(path).map_err(|error| refused(path, error))?;
    }
    let detected = Tuning::detect();
    let (why, trials) = raced("detected", &detected, LEAD);
    let tuning = settled(&detected, &trials);
    match output {
        Some(path) => {
            fs::write(path, tuning.to_string()).map_err(|error| refused(path, error))?;
            print!("{why}");
            println!("written: {}, for CLEARPAGE_TUNING", path.display());
        }
        None => {
            eprint!("{why}");
            print!("{tuning}");
        }
    }
    Ok(())
}

fn check(path: &Path) -> Result<ExitCode, UserError> {
    let name = path.display();
    let text =
        fs::read_to_string(path).map_err(|error| UserError(format!("--check {name}: {error}")))?;
    let installed = match text.parse::<Tuning>() {
        Ok(tuning) => tuning,
        // The line of the CPU.
        Err(error) if error.line == 2 => {
            println!("{name} does not fit: {error}");
            return Ok(ExitCode::from(1));
        }
        Err(error) => return Err(UserError(format!("--check {name}: {error}"))),
    };
    let (why, trials) = raced("in the file", &installed, DOUBT);
    print!("{why}");
    let better: Vec<_> = trials.iter().filter(|trial| trial.lead.is_some()).collect();
    for trial in &better {
        let (intent, len) = (trial.intent.name(), format_size(trial.len as u64));
        let (old, new) = (trial.old.name(), trial.new.name());
        println!("{intent} from {len}: {new} is better than {old}, which the file has");
    }
    Ok(match better.len() {
        0 => {
            println!("{name} fits this CPU");
            ExitCode::SUCCESS
        }
        n => {
            println!("{name} does not fit: {n} classes of length differ");
            ExitCode::from(1)
        }
    })
}

/// Whether the file can be written, which leaves no trace.
fn writable(path: &Path) -> std::io::Result<()> {
    let new = !path.exists();
    OpenOptions::new().append(true).create(true).open(path)?;
    if new { fs::remove_file(path) } else { Ok(()) }
}

/// Measures a fresh tuning and races its primitives and those of `old` wherever the two differ,
/// and on both sides of every crossing of either. The text tells all times.
fn raced(label: &str, old: &Tuning, lead: f64) -> (String, Vec<Trial>) {
    // The plan of this process is not the environment's: that may be the one which is checked.
    old.install();
    let new = Tuning::measure();
    let mut track = Track::new();
    let (mut why, mut trials) = (String::new(), Vec::new());
    for intent in Intent::ALL {
        let title = match intent {
            Intent::Auto => "memory not in the cache is cleared, then read and written",
            Intent::Hot => "memory is cleared again and again",
            Intent::Cold => "memory not in the cache is cleared",
        };
        let _ = writeln!(why, "{}: {title}", intent.name());
        for (label, tuning) in [(label, old), ("first trial", &new)] {
            let steps = tuning.steps(intent);
            let steps: Vec<_> = steps
                .map(|(from, row)| format!("{} from {}", row.name(), format_size(from as u64)))
                .collect();
            let _ = writeln!(why, "  {label}: {}", steps.join(", "));
        }
        let mut lengths = looked_at(intent, old, &new);
        if lengths.is_empty() {
            continue;
        }
        let mut rows: Vec<Available> = Vec::new();
        for (_, row) in old.steps(intent).chain(new.steps(intent)) {
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
        let mut table = ruled();
        let names = rows.iter().map(|row| row.name().to_owned());
        let header = ["from".to_owned()].into_iter().chain(names).chain(["serves".to_owned()]);
        table.set_header(header);
        while let Some(len) = lengths.pop_first() {
            let times = track.race(&rows, intent, len);
            let trial = Trial::new((intent, len), serves(old, intent, len), &rows, &times, lead);
            let cells = times
                .iter()
                .map(|time| format!("{} ±{:.0}%", format_ns(time.ns), 100.0 * time.mad / time.ns));
            let first = [format_size(len as u64)].into_iter();
            table.add_row(first.chain(cells).chain([trial.verdict(label)]));
            if trial.lead.is_some() && 2 * len <= LONGEST {
                lengths.insert(2 * len); // what is ahead here may be ahead there
            }
            trials.push(trial);
        }
        for column in table.column_iter_mut().take(rows.len() + 1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let _ = writeln!(why, "{table}");
    }
    (why, trials)
}

/// The race at one class of lengths.
struct Trial {
    intent: Intent,
    /// The shortest of the class, which was raced at.
    len: usize,
    /// Who serves it so far.
    old: Available,
    /// Who was the fastest.
    new: Available,
    /// How many times as fast the new one is, where that is clear.
    lead: Option<f64>,
}

impl Trial {
    fn new(
        (intent, len): (Intent, usize),
        old: Available,
        rows: &[Available],
        times: &[Figure],
        lead: f64,
    ) -> Self {
        let all = || rows.iter().copied().zip(times.iter().copied());
        let fastest = all().min_by(|a, b| a.1.ns.total_cmp(&b.1.ns));
        let (new, best) = fastest.expect("the old one at least");
        let lead = all().find(|row| row.0 == old).and_then(|row| ratio(row.1, best, lead));
        Self { intent, len, old, new, lead }
    }

    fn verdict(&self, label: &str) -> String {
        let (old, new) = (self.old.name(), self.new.name());
        match self.lead {
            Some(lead) => format!("{new}: {lead:.2} x as fast as {old} {label}"),
            None if self.old == self.new => old.to_owned(),
            None => format!("{old}: no clear lead of {new}"),
        }
    }
}

/// Every length that is the shortest of its class.
fn classes() -> impl Iterator<Item = usize> {
    std::iter::once(0).chain((0..usize::BITS).map(|shift| 1 << shift))
}

/// Who serves `len` bytes.
fn serves(tuning: &Tuning, intent: Intent, len: usize) -> Available {
    let steps = tuning.steps(intent).take_while(|step| step.0 <= len);
    steps.last().expect("the first step is from 0").1
}

/// Where the two differ, and both sides of every crossing of either.
fn looked_at(intent: Intent, old: &Tuning, new: &Tuning) -> BTreeSet<usize> {
    let crosses = |tuning, len| serves(tuning, intent, len / 2) != serves(tuning, intent, len);
    let near = |tuning, len| crosses(tuning, len) || crosses(tuning, 2 * len);
    classes()
        .filter(|len| (SHORTEST..=LONGEST).contains(len))
        .filter(|&len| {
            serves(old, intent, len) != serves(new, intent, len) || near(old, len) || near(new, len)
        })
        .collect()
}

/// `old`, changed where another was clearly ahead.
fn settled(old: &Tuning, trials: &[Trial]) -> Tuning {
    let mut tuning = *old;
    for intent in Intent::ALL {
        for len in classes() {
            let won = trials.iter().find(|t| t.intent == intent && t.len == len);
            let won = won.filter(|trial| trial.lead.is_some()).map(|trial| trial.new);
            tuning = tuning.then(intent, len, won.unwrap_or_else(|| serves(old, intent, len)));
        }
    }
    tuning
}

#[cfg(test)]
mod tests {
    use clearpage::primitives;

    use super::*;

    const CLEAR: Figure = Figure { ns: 100.0, mad: 1.0 };

    /// The first and the last row that this CPU has; the same where it has one.
    fn two() -> [Available; 2] {
        let mut all = primitives().iter().filter_map(|row| row.available().ok());
        let first = all.next().unwrap();
        [first, all.next_back().unwrap_or(first)]
    }

    fn trial(len: usize, old: Figure, new: Figure) -> Trial {
        let rows = two();
        Trial::new((Intent::Hot, len), rows[0], &rows, &[old, new], LEAD)
    }

    #[test]
    fn only_a_clear_lead_changes_who_serves() {
        let [first, last] = two();
        if first == last {
            return; // nothing to choose
        }
        let figure = |ns, mad| Figure { ns, mad };
        let trials = [
            trial(1 << 10, figure(103.0, 0.1), figure(100.0, 0.1)), // below the lead
            trial(1 << 12, figure(200.0, 1.0), CLEAR),
            trial(1 << 14, figure(150.0, 20.0), CLEAR), // noise
            trial(1 << 16, CLEAR, figure(200.0, 1.0)),
        ];
        assert_eq!(trials.iter().filter(|trial| trial.lead.is_some()).count(), 1);
        let tuning = settled(&Tuning::only(first), &trials);
        for len in classes() {
            let expected = if len == 1 << 12 { last } else { first };
            assert_eq!(serves(&tuning, Intent::Hot, len), expected, "{len}");
            assert_eq!(serves(&tuning, Intent::Cold, len), first, "{len}");
        }
    }

    #[test]
    fn both_sides_of_a_crossing_are_looked_at() {
        let [first, last] = two();
        let old = Tuning::only(first).then(Intent::Cold, 1 << 13, last);
        let new = old.then(Intent::Cold, 1 << 15, first);
        let expected: &[usize] = match first == last {
            true => &[],
            false => &[12, 13, 14, 15],
        };
        let seen = looked_at(Intent::Cold, &old, &old.then(Intent::Cold, 1 << 14, last));
        assert!(seen.into_iter().eq(expected.iter().take(2).map(|shift| 1 << shift)));
        // From 32 KiB on they differ, as far as there is memory.
        let all = expected.iter().take(4).map(|shift| 1 << shift).collect::<BTreeSet<_>>();
        assert!(looked_at(Intent::Cold, &old, &new).is_superset(&all));
        assert!(looked_at(Intent::Hot, &old, &new).is_empty());
    }
}
