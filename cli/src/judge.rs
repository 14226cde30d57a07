//! `clearpage judge`: compares the default tuning of a recorded CPU with the fastest primitive that
//! was measured on it.

mod rivals;

use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use clearpage::{Intent, Tuning};
use serde::Serialize;

use self::rivals::{Figures, Rivals, Times};
use crate::UserError;
use crate::format::{Format, Formatted};
use crate::harness::output::note;
use crate::harness::table::{align_right, lines, ruled};
use crate::harness::terminal::{Plain, paragraph};
use crate::harness::units::{self, count};
use crate::report::load::load;
use crate::report::{Backing, Place, PlanRow, Report, SCHEMA, Temperature};

#[derive(Debug, Args)]
pub struct Judge {
    /// Reports, as `clearpage bench --temperature all --json` writes them
    #[arg(value_name = "FILE.json", required = true)]
    pub reports: Vec<PathBuf>,
    /// Least accepted share of the fastest primitive's speed: 90% or 0.9
    #[arg(long, value_name = "SHARE", default_value = "90%", value_parser = parse_part)]
    pub floor: f64,
    /// Least accepted mean share of an intent
    #[arg(long, value_name = "SHARE", default_value = "95%", value_parser = parse_part)]
    pub mean: f64,
    #[command(flatten)]
    pub formatted: Formatted,
}

/// The text of `--help` below the options.
pub const HELP: &str = "\
The default tuning is made from the facts in the report (vendor, model, feature bits, caches), as on \
that CPU, and compared with the fastest primitive in the report. Cold is judged by `cold`; Hot by the \
mean time of `use` and `reuse`, and by `hot` up to the second-level cache; Auto by the mean time of \
`cold`, `use` and `reuse`. Means are compared with the primitive that has the least mean.

Exit status: 0 if every place reaches the floor and every intent the mean, 1 if one does not, 2 if a \
report cannot be judged.

Examples:
  clearpage judge results/*.json
  clearpage bench --temperature all --json my.json && clearpage judge my.json";

/// The number of rows that are printed even if all reach the floor.
const WORST: usize = 5;

/// Returns the worst places of every report. A report that cannot be read or judged does not stop
/// the others: its error is printed at once.
pub fn run(args: &Judge) -> (String, ExitCode) {
    let (mut out, mut below, mut errors) = (String::new(), false, 0);
    let mut refuse = |error: UserError| {
        note(&format_args!("error: {}", Plain(error)));
        errors += 1;
    };
    let mut judgements = Vec::new();
    for path in &args.reports {
        let report = match load(path) {
            Ok(report) => report,
            Err(error) => {
                refuse(error);
                continue;
            }
        };
        let judgement = Judgement::of(&report, args.floor);
        let title = format!("{}: {}", Plain(path.display()), Plain(report.machine.title()));
        let notes = judgement.notes.iter().map(|note| format!("note: {}", Plain(note)));
        for line in iter::once(title).chain(notes) {
            match args.formatted.format {
                Format::Table => out += &paragraph(&line),
                _ => note(&line),
            }
        }
        if judgement.places.is_empty() {
            refuse(UserError(format!("{}: nothing in it can be judged", path.display())));
            continue;
        }
        if args.formatted.format == Format::Table {
            out += &judgement.text(args.floor, args.mean);
        }
        let mut means = Intent::ALL.into_iter().filter_map(|intent| judgement.mean(intent));
        below |= judgement.worst() < args.floor || means.any(|(mean, _)| mean < args.mean);
        judgements.push((path, judgement));
    }
    let of_file = |(path, judgement): &'_ (&PathBuf, Judgement)| -> Vec<Row> {
        judgement.places.iter().map(|judged| Row::of(path, judged)).collect()
    };
    let rows: Vec<_> = judgements.iter().flat_map(of_file).collect();
    let out = args.formatted.format.rows(&rows, || out);
    (out, ExitCode::from(if errors > 0 { 2 } else { u8::from(below) }))
}

/// A judged place as a row of JSON or CSV.
#[derive(Serialize)]
struct Row {
    file: String,
    intent: &'static str,
    /// The temperatures whose mean is judged, separated by spaces.
    temperatures: String,
    cpu: Option<usize>,
    threads: usize,
    backing: Backing,
    size: usize,
    chosen: String,
    fastest: String,
    share: f64,
}

impl Row {
    fn of(path: &Path, judged: &Judged) -> Self {
        let Place { cpu, threads, backing, size, .. } = judged.place;
        Self {
            file: path.display().to_string(),
            intent: judged.intent.name(),
            temperatures: judged.temperatures(" "),
            cpu,
            threads,
            backing,
            size,
            chosen: judged.chosen.clone(),
            fastest: judged.best.clone(),
            share: judged.share,
        }
    }
}

fn parse_part(text: &str) -> Result<f64, String> {
    let share = units::parse_share(text).filter(|share| *share <= 1.0);
    share.ok_or_else(|| "allowed are shares from 0 to 1, as 0.9, and 0% to 100%".to_owned())
}

/// The choice of the default tuning at one place.
#[derive(Clone, Debug)]
pub struct Judged {
    pub intent: Intent,
    /// Where; the temperature is the first of the `cases`.
    pub place: Place,
    /// The temperatures whose mean time is judged.
    pub cases: Vec<Temperature>,
    pub chosen: String,
    /// The fastest there.
    pub best: String,
    /// The speed of the chosen one as a share of the fastest's.
    pub share: f64,
}

impl Judged {
    fn temperatures(&self, separator: &str) -> String {
        self.cases.iter().map(|case| case.name()).collect::<Vec<_>>().join(separator)
    }
}

/// The judgement of every place of a report.
#[derive(Debug)]
pub struct Judgement {
    /// Sorted by rising share.
    pub places: Vec<Judged>,
    /// Places where the chosen primitive has no figures.
    pub unmeasured: Vec<(Intent, Place)>,
    /// A line for each omission and doubt.
    pub notes: Vec<String>,
}

impl Judgement {
    /// Judges the default tuning that the library makes from the facts of the report; if that is of
    /// another ISA than this build, the plan that the report recorded.
    pub fn of(report: &Report, floor: f64) -> Self {
        let (facts, doubts) = report.machine.facts.facts();
        let tuning = Tuning::for_cpu(&facts);
        let mut judgement = match &tuning {
            Ok(tuning) => Self::by(report, floor, |intent, len| {
                Some(tuning.choose(intent, len).name().to_owned())
            }),
            Err(_) => {
                let recorded = Intent::ALL.map(|intent| (intent, recorded(report, intent)));
                Self::by(report, floor, |intent, len| {
                    let (_, rows) = recorded.iter().find(|of| of.0 == intent)?;
                    let after = rows.partition_point(|row| row.from <= len);
                    Some(rows[..after].last()?.primitive.clone())
                })
            }
        };
        let mut notes: Vec<String> = doubts.iter().map(|doubt| format!("facts: {doubt}")).collect();
        if let Err(error) = tuning {
            notes.push(format!("{error}: the plan that the report recorded is judged"));
        } else {
            notes.extend(doubtful_primitives(report));
        }
        if report.schema < SCHEMA {
            let schema = report.schema;
            notes.push(format!("schema {schema}: no block size, C library or time of reuse"));
        }
        if !report.complete {
            notes.push("the run was ended before all was measured".to_owned());
        }
        notes.append(&mut judgement.notes);
        Self { notes, ..judgement }
    }

    /// Judges any choice of primitives.
    pub fn by(
        report: &Report,
        floor: f64,
        choose: impl Fn(Intent, usize) -> Option<String>,
    ) -> Self {
        let mut times: BTreeMap<Place, Times> = BTreeMap::new();
        for cell in report.cells.iter().filter(|cell| cell.primitive) {
            times.entry(cell.place).or_default().insert(&cell.contender, cell.ns);
        }
        let all = Figures { times, l2: report.machine.facts.l2, l3: report.machine.facts.l3 };
        let mut judgement = Self { places: Vec::new(), unmeasured: Vec::new(), notes: Vec::new() };
        let (mut unmeasured, mut without_reuse) = (BTreeSet::new(), false);
        for &place in all.times.keys() {
            for intent in Intent::ALL {
                let Some(chosen) = choose(intent, place.size) else { continue };
                let (cases, rivals) = match all.rivals(intent, place, floor, &chosen) {
                    Rivals::These(cases, rivals) => (cases, rivals),
                    Rivals::NoFiguresOfReuse => {
                        without_reuse = true;
                        continue;
                    }
                    Rivals::NotJudged => continue,
                };
                let best = rivals.iter().min_by(|a, b| a.1.total_cmp(b.1));
                let (Some((&best, least)), Some(time)) = (best, rivals.get(&*chosen)) else {
                    judgement.unmeasured.push((intent, place));
                    unmeasured.insert(chosen);
                    continue;
                };
                let (share, best) = (least / time, best.to_owned());
                judgement.places.push(Judged { intent, place, cases, chosen, best, share });
            }
        }
        judgement.places.sort_by(|a, b| a.share.total_cmp(&b.share));
        if without_reuse {
            judgement.notes.push(
                "no figures of reuse: Hot is judged by use alone, Auto from the last-level cache on"
                    .to_owned(),
            );
        }
        let names = unmeasured.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        if !names.is_empty() {
            let n = judgement.unmeasured.len();
            let places = count(n, "place");
            judgement.notes.push(format!("not judged: {places} without figures of {names}"));
        }
        judgement
    }

    /// The least share.
    pub fn worst(&self) -> f64 {
        self.places.iter().map(|place| place.share).fold(f64::INFINITY, f64::min)
    }

    /// The mean share of an intent, and over how many places; `None` if it was not judged.
    pub fn mean(&self, intent: Intent) -> Option<(f64, usize)> {
        let of_intent = || self.places.iter().filter(|place| place.intent == intent);
        let n = of_intent().count();
        (n > 0).then(|| (of_intent().map(|place| place.share).sum::<f64>() / n as f64, n))
    }

    fn text(&self, floor: f64, least: f64) -> String {
        let mut table = ruled();
        table.set_header(["intent", "where", "chosen", "fastest", "share"]);
        let below = self.places.iter().filter(|place| place.share < floor).count();
        for judged in &self.places[..self.places.len().min(below.max(WORST))] {
            let first = judged.place.temperature.name();
            let place = judged.place.to_string().replacen(first, &judged.temperatures(", "), 1);
            let (intent, share) = (judged.intent.name().to_owned(), format!("{:.2}", judged.share));
            let name = |name: &str| Plain(name).to_string();
            table.add_row([intent, place, name(&judged.chosen), name(&judged.best), share]);
        }
        align_right(&mut table, [4]);
        let mut out = lines(table);
        for intent in Intent::ALL {
            if let Some((mean, n)) = self.mean(intent) {
                let below =
                    if mean < least { format!(", below {least:.2}") } else { String::new() };
                let places = count(n, "place");
                out += &format!("{}: mean {mean:.2} of {places}{below}\n", intent.name());
            }
        }
        let (places, worst) = (count(self.places.len(), "place"), self.worst());
        out + &match below {
            0 => paragraph(&format!(
                "{places}: none below {floor:.2} of the fastest, the worst {worst:.2}"
            )),
            _ => paragraph(&format!("{places}: {below} below {floor:.2} of the fastest")),
        }
    }
}

/// Returns the recorded plan of an intent by rising length. A row holds for all lengths from its own
/// on, even if an earlier row begins there too.
fn recorded(report: &Report, intent: Intent) -> Vec<&PlanRow> {
    let mut rows: Vec<&PlanRow> = Vec::new();
    for row in report.plan.iter().filter(|row| row.intent == intent.name()) {
        let shorter = rows.partition_point(|before| before.from < row.from);
        rows.truncate(shorter);
        rows.push(row);
    }
    rows
}

/// Returns a line for each measured primitive that is unknown or contradicts the facts.
fn doubtful_primitives(report: &Report) -> Vec<String> {
    let (facts, _) = report.machine.facts.facts();
    let names: BTreeSet<&str> =
        report.cells.iter().filter(|cell| cell.primitive).map(|cell| &*cell.contender).collect();
    let doubt = |name: &str| {
        let Some(row) = clearpage::primitives().iter().find(|row| row.name() == name) else {
            return Some(format!("{name} is no primitive of this version, and can be the fastest"));
        };
        let needs = row.needs().filter(|&feature| !facts.has(feature))?;
        Some(format!("{name} was measured, but the facts say that there is no {}", needs.name()))
    };
    names.into_iter().filter_map(doubt).collect()
}
