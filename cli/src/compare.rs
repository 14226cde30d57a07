//! `clearpage compare`: prints what is faster or slower in the second of two reports.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use comfy_table::Table;
use serde::Serialize;

use crate::UserError;
use crate::format::{Format, Formatted};
use crate::harness::machine::Machine;
use crate::harness::output::note;
use crate::harness::table::{align_right, is_wide, lines, ruled};
use crate::harness::terminal::{Plain, paragraph, plus_minus};
use crate::harness::units::{count, format_size, parse_share};
use crate::report::load::load;
use crate::report::{Backing, Cell, Place, Report, Temperature};

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
    #[command(flatten)]
    pub formatted: Formatted,
}

/// The text of `--help` below the options.
pub const HELP: &str = "\
A cell is one contender at one CPU, number of threads, backing, temperature and size. It counts as \
changed if its medians differ by more than the threshold and by more than the noise: three standard \
errors of both medians, from the number of rounds and the median absolute deviation of the samples. \
If the noise is above the threshold, or a figure is of fewer than three rounds, a cell without a \
change counts as unclear. What lasts for a whole run, such as another program, is not in the noise: \
compare runs of an idle machine.

Exit status: 0 if no cell is slower, 1 if one is slower, 2 if the reports cannot be compared.

Examples:
  clearpage compare before.json after.json
  clearpage compare --threshold 2% before.json after.json || echo slower
  clearpage compare --format csv before.json after.json";

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
    if comparison.pairs.is_empty() {
        let (a, b) = (args.before.display(), args.after.display());
        return Err(UserError(format!("{a} and {b} have no cell in common")));
    }
    let notes = other_cpu.into_iter().chain(notes(&before, &after));
    let mut text = String::new();
    for warning in notes.map(|warning| format!("warning: {}", Plain(warning))) {
        match args.formatted.format {
            Format::Table => text += &paragraph(&warning),
            _ => note(&warning),
        }
    }
    let rows: Vec<_> = comparison.pairs.iter().map(Row::of).collect();
    text += &args.formatted.format.rows(&rows, || comparison.text(args.threshold));
    let code = ExitCode::from(u8::from(comparison.count(Verdict::Slower) > 0));
    Ok((text, code))
}

fn parse_threshold(text: &str) -> Result<f64, String> {
    let share = parse_share(text);
    // 5 alone may be 5 % or 5 times.
    if share.is_some_and(|share| share >= 1.0) && !text.ends_with('%') {
        return Err(format!("a share must be below 1; did you mean {text}%?"));
    }
    share.ok_or_else(|| "allowed are a share below 1, as 0.05, or percent, as 5%".to_owned())
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
            notes.push(format!("{name}: {old} before, {new} after"));
        }
    }
    for (report, when) in [(before, "before"), (after, "after")] {
        if !report.complete {
            notes.push(format!("the report of {when} is not complete: its run ended early"));
        }
    }
    notes
}

/// Fewer rounds have no deviation to go by.
const FEWEST: usize = 3;

/// How a cell changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Slower,
    Faster,
    /// Within the threshold.
    Same,
    /// Noise may hide a change.
    Unclear,
}

/// A cell that is in both reports.
struct Pair<'a> {
    old: &'a Cell,
    new: &'a Cell,
    /// Nanoseconds by which the medians may differ by chance; `None` if a median is of few rounds.
    noise: Option<f64>,
    verdict: Verdict,
}

impl<'a> Pair<'a> {
    fn new(old: &'a Cell, new: &'a Cell, threshold: f64) -> Self {
        let noise = noise(old, new);
        let (change, least) = ((old.ns - new.ns).abs(), threshold * old.ns.min(new.ns));
        let verdict = match noise {
            Some(noise) if change > least && change > noise => {
                if new.ns > old.ns {
                    Verdict::Slower
                } else {
                    Verdict::Faster
                }
            }
            Some(noise) if noise <= least => Verdict::Same,
            _ => Verdict::Unclear,
        };
        Self { old, new, noise, verdict }
    }

    /// Returns how many times as fast the faster one is.
    fn ratio(&self) -> f64 {
        self.old.ns.max(self.new.ns) / self.old.ns.min(self.new.ns)
    }
}

/// A pair as a row of JSON or CSV.
#[derive(Serialize)]
struct Row<'a> {
    contender: &'a str,
    cpu: Option<usize>,
    threads: usize,
    backing: Backing,
    temperature: Temperature,
    size: usize,
    before_ns: f64,
    after_ns: f64,
    noise_ns: Option<f64>,
    verdict: Verdict,
}

impl<'a> Row<'a> {
    fn of(pair: &Pair<'a>) -> Self {
        let Place { cpu, threads, backing, temperature, size } = pair.new.place;
        Self {
            contender: &pair.new.contender,
            cpu,
            threads,
            backing,
            temperature,
            size,
            before_ns: pair.old.ns,
            after_ns: pair.new.ns,
            noise_ns: pair.noise,
            verdict: pair.verdict,
        }
    }
}

/// Two reports, cell by cell.
struct Comparison<'a> {
    /// Cells that are in both, the largest change first.
    pairs: Vec<Pair<'a>>,
    /// Cells that are in one of them only.
    only: [usize; 2],
}

impl<'a> Comparison<'a> {
    fn new(before: &'a Report, after: &'a Report, threshold: f64) -> Self {
        let key = |cell: &'a Cell| (cell.place, &*cell.contender);
        let old: HashMap<_, _> = before.cells.iter().map(|cell| (key(cell), cell)).collect();
        let pair = |new| Some(Pair::new(old.get(&key(new))?, new, threshold));
        let mut pairs: Vec<_> = after.cells.iter().filter_map(pair).collect();
        let only = [before.cells.len() - pairs.len(), after.cells.len() - pairs.len()];
        pairs.sort_by(|a, b| b.ratio().total_cmp(&a.ratio()));
        Self { pairs, only }
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.pairs.iter().filter(|pair| pair.verdict == verdict).count()
    }

    fn text(&self, threshold: f64) -> String {
        let mut out = String::new();
        let [slower, faster, same, unclear] =
            [Verdict::Slower, Verdict::Faster, Verdict::Same, Verdict::Unclear]
                .map(|verdict| self.count(verdict));
        if slower + faster > 0 {
            out += &lines(self.changes());
        }
        for (n, when) in self.only.into_iter().zip(["before", "after"]) {
            if n > 0 {
                let cells = count(n, "cell");
                out += &paragraph(&format!("{cells} only in the report of {when}: not compared"));
            }
        }
        let percent = 100.0 * threshold;
        out += &match slower + faster {
            0 => paragraph(&format!("no change: {} within {percent} %", count(same, "cell"))),
            _ => paragraph(&format!(
                "{slower} slower, {faster} faster, {same} as before (within {percent} %)"
            )),
        };
        if unclear > 0 {
            let cells = count(unclear, "cell");
            out += &paragraph(&format!("could not tell: {cells} (noise above the threshold)"));
        }
        out
    }

    fn changes(&self) -> Table {
        let is_wide = is_wide();
        let noise: &[&str] = if is_wide { &["noise"] } else { &[] };
        let mut table = ruled();
        table.set_header([&["contender", "where", "before", "after"], noise, &["change"]].concat());
        for pair in &self.pairs {
            let Pair { old, new, noise: Some(noise), verdict } = pair else { continue };
            let direction = match verdict {
                Verdict::Slower => "slower",
                Verdict::Faster => "faster",
                Verdict::Same | Verdict::Unclear => continue,
            };
            let mut row = vec![
                Plain(&new.contender).to_string(),
                new.place.to_string(),
                format_ns(old.ns),
                format_ns(new.ns),
            ];
            row.extend(is_wide.then(|| format!("{}{}", plus_minus(), format_ns(*noise))));
            row.push(format!("{:.2} x {direction}", pair.ratio()));
            table.add_row(row);
        }
        align_right(&mut table, 2..);
        table
    }
}

/// Returns the difference in nanoseconds that two equal medians exceed by chance once in 370 times, or
/// `None` if one of them has too few samples to tell.
fn noise(a: &Cell, b: &Cell) -> Option<f64> {
    // Of normally distributed samples: median absolute deviations in a standard deviation, and
    // standard errors of the mean in one of the median.
    const NORMAL: f64 = 1.4826;
    const OF_MEDIAN: f64 = 1.2533;
    const SURE: f64 = 3.0;
    // The samples of a round are not independent: they share its memory and its moment.
    let error = |cell: &Cell| match cell.rounds.unwrap_or(cell.samples).min(cell.samples) {
        ..FEWEST => None,
        n => Some(OF_MEDIAN * NORMAL * cell.ns_mad / (n as f64).sqrt()),
    };
    Some(SURE * error(a)?.hypot(error(b)?))
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
