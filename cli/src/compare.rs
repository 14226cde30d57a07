//! `clearpage compare`: prints what is faster or slower in the second of two reports.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::UserError;
use crate::harness::machine::Machine;
use crate::harness::table::{align_right, ruled};
use crate::harness::terminal::Plain;
use crate::harness::units::{format_size, parse_share};
use crate::report::load::load;
use crate::report::{Cell, Report};

#[derive(Debug, Args)]
pub struct Compare {
    /// The older report, as `clearpage bench --json` writes it
    pub before: PathBuf,
    /// The newer report
    pub after: PathBuf,
    /// Least difference that counts: 5% or 0.05 means 1.05 times as fast
    #[arg(long, value_name = "SHARE", default_value = "5%", value_parser = parse_threshold)]
    pub threshold: f64,
    /// Also compare reports of different CPUs, which is otherwise refused
    #[arg(long)]
    pub any_machine: bool,
}

/// The text of `--help` below the options.
pub const HELP: &str = "\
A cell is one contender at one CPU, number of threads, backing, temperature and size. It counts as
changed if its times differ by more than the threshold and by more than three standard deviations
of the samples of both runs (1.4826 median absolute deviations each).

Exit status: 0 if no cell is slower, 1 if one is slower, 2 if the reports cannot be compared.

Examples:
  clearpage compare before.json after.json
  clearpage compare --threshold 2% before.json after.json || echo slower";

/// Returns what changed, and exit code 1 if a cell is slower.
///
/// # Errors
/// A file is no report, the CPUs differ, or the reports have no cell in common.
pub fn run(args: &Compare) -> Result<(String, ExitCode), UserError> {
    let (before, after) = (load(&args.before)?, load(&args.after)?);
    let other_cpu = other_cpu(&before.machine, &after.machine);
    if let (Some(what), false) = (&other_cpu, args.any_machine) {
        return Err(UserError(format!("{what}; --any-machine compares them nevertheless")));
    }
    let comparison = Comparison::new(&before, &after, args.threshold);
    if comparison.pairs == 0 {
        let (a, b) = (args.before.display(), args.after.display());
        return Err(UserError(format!("{a} and {b} have no cell in common")));
    }
    let notes = other_cpu.into_iter().chain(notes(&before, &after));
    let notes: String = notes.map(|note| format!("warning: {}\n", Plain(note))).collect();
    let code = ExitCode::from(u8::from(comparison.slower() > 0));
    Ok((notes + &comparison.text(args.threshold), code))
}

fn parse_threshold(text: &str) -> Result<f64, String> {
    // 5 alone may be 5 % or 5 times.
    let share = parse_share(text).filter(|share| text.ends_with('%') || *share < 1.0);
    share
        .ok_or_else(|| format!("{text:?}: allowed are a share below 1, as 0.05, or percent, as 5%"))
}

/// Returns a message if the CPUs differ.
fn other_cpu(before: &Machine, after: &Machine) -> Option<String> {
    // Not by the microarchitecture: its name depends on the version of the tool.
    let cpu = |machine: &Machine| {
        (machine.cpu.clone(), machine.facts.isa.clone(), machine.cpu_signature.clone())
    };
    (cpu(before) != cpu(after))
        .then(|| format!("not the same CPU: {} before, {} after", before.title(), after.title()))
}

/// Returns a line for every other difference, and for each incomplete report.
fn notes(before: &Report, after: &Report) -> Vec<String> {
    let facts = |report: &Report| {
        let flags = report.machine.facts.features.iter().filter(|flag| flag.1);
        let plan = report.plan.iter().map(|row| {
            format!("{} {} from {}", row.intent, row.primitive, format_size(row.from as u64))
        });
        let mut facts = BTreeMap::from_iter(report.machine.description());
        for of_cpu in ["CPU", "architecture", "signature", "microarchitecture"] {
            facts.remove(of_cpu);
        }
        facts.extend([
            ("version of the tool", report.version.clone()),
            ("page size of the build", format_size(report.page_size as u64)),
            ("plan", plan.collect::<Vec<_>>().join(", ")),
            ("feature bits", flags.map(|flag| &*flag.0).collect::<Vec<_>>().join(" ")),
        ]);
        facts
    };
    let (old, new) = (facts(before), facts(after));
    let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let mut notes = Vec::new();
    for name in names {
        let fact = |facts: &BTreeMap<_, String>| {
            facts.get(name).cloned().unwrap_or_else(|| "unknown".to_owned())
        };
        let (old, new) = (fact(&old), fact(&new));
        if old != new {
            notes.push(format!("another {name}: {old} before, {new} after"));
        }
    }
    for (report, when) in [(before, "before"), (after, "after")] {
        if !report.complete {
            notes.push(format!("the report of {when} is not complete: its run was interrupted"));
        }
    }
    notes
}

/// Two reports, cell by cell.
struct Comparison<'a> {
    /// Cells that are in both.
    pairs: usize,
    /// Those that differ, the largest change first: before, after, how many times as fast.
    changed: Vec<(&'a Cell, &'a Cell, f64)>,
    /// Cells that are in one of them only.
    only: [usize; 2],
}

impl<'a> Comparison<'a> {
    fn new(before: &'a Report, after: &'a Report, threshold: f64) -> Self {
        let key = |cell: &'a Cell| (cell.place, &*cell.contender);
        let old: HashMap<_, _> = before.cells.iter().map(|cell| (key(cell), cell)).collect();
        let pairs: Vec<_> = after
            .cells
            .iter()
            .filter_map(|cell| old.get(&key(cell)).map(|old| (*old, cell)))
            .collect();
        let only = [before.cells.len() - pairs.len(), after.cells.len() - pairs.len()];
        let mut changed: Vec<_> = pairs
            .iter()
            .filter_map(|&(old, new)| Some((old, new, ratio(old, new, threshold)?)))
            .collect();
        changed.sort_by(|a, b| b.2.total_cmp(&a.2));
        Self { pairs: pairs.len(), changed, only }
    }

    fn slower(&self) -> usize {
        self.changed.iter().filter(|(old, new, _)| new.ns > old.ns).count()
    }

    fn text(&self, threshold: f64) -> String {
        let mut out = String::new();
        if !self.changed.is_empty() {
            let mut table = ruled();
            table.set_header(["contender", "where", "before", "after", "noise", "change"]);
            for (old, new, ratio) in &self.changed {
                let direction = if new.ns > old.ns { "slower" } else { "faster" };
                table.add_row([
                    Plain(&new.contender).to_string(),
                    new.place.to_string(),
                    format_ns(old.ns),
                    format_ns(new.ns),
                    format!("±{}", format_ns(noise(old, new))),
                    format!("{ratio:.2} x {direction}"),
                ]);
            }
            align_right(&mut table, 2..);
            out += &format!("{table}\n");
        }
        for (npairless, when) in self.only.into_iter().zip(["before", "after"]) {
            if npairless > 0 {
                out += &format!("{npairless} cells only in the report of {when}: not compared\n");
            }
        }
        let (slower, percent) = (self.slower(), 100.0 * threshold);
        let faster = self.changed.len() - slower;
        let same = self.pairs - self.changed.len();
        out + &match self.changed.len() {
            0 => format!("no change: {same} cells, all within {percent} % or their noise\n"),
            _ => format!("{slower} slower, {faster} faster, {same} as before\n"),
        }
    }
}

/// Returns the difference in nanoseconds below which two figures may be one.
///
/// Each errs by the scatter of its samples. That is not divided by the square root of their number:
/// the samples of a run share its memory and its minute, so another run may be as far away as a
/// single sample.
fn noise(a: &Cell, b: &Cell) -> f64 {
    // Median absolute deviations in a standard deviation, of samples that scatter normally.
    const NORMAL: f64 = 1.4826;
    // Standard deviations: normal scatter goes further once in 370 times.
    const SURE: f64 = 3.0;
    SURE * NORMAL * a.ns_mad.hypot(b.ns_mad)
}

/// Returns how many times as fast the faster one is, or `None` if that is not more than `lead`
/// (0.05: 5 %) or not more than noise.
fn ratio(a: &Cell, b: &Cell, lead: f64) -> Option<f64> {
    let ratio = a.ns.max(b.ns) / a.ns.min(b.ns);
    (ratio > 1.0 + lead && (a.ns - b.ns).abs() > noise(a, b)).then_some(ratio)
}

/// Formats a time with three figures or more.
fn format_ns(ns: f64) -> String {
    match ns {
        ..1e2 => format!("{ns:.1} ns"),
        ..1e4 => format!("{ns:.0} ns"),
        ..1e7 => format!("{:.1} us", ns / 1e3),
        _ => format!("{:.1} ms", ns / 1e6),
    }
}
