//! A report as tables for the terminal.

use crate::args::Unit;
use crate::harness::table::{align_right, lines, ruled};
use crate::harness::terminal::{self, Plain, paragraph, plus_minus};
use crate::harness::units::{format_size, three_digits};
use crate::report::group::{Group, Index, PLAN, contenders, groups, sizes};
use crate::report::{Cell, Report};

const LEGEND: &str = "\
* = the plan's choice. envelope: the fastest primitive, or a function that calls one. plan: \
clear_pages_for with the matching intent. auto: clear_pages. hot: the same memory repeatedly. cold: a \
walk, not in the cache. use: cold, then every line read and written. reuse: in the cache, then read \
and written. fault: fresh pages. In brackets: the plan is not judged.";

/// Returns all figures of a run.
pub fn text(report: &Report, unit: Unit) -> String {
    let mut out = String::new();
    for (group, cells) in groups(report) {
        out += &match unit {
            Unit::Gbps => speed_of(&group, &cells, report.machine.facts.l2),
            Unit::Ns => tables((&group, "ns a page"), &cells, ns, &[]),
            Unit::Cycles => {
                tables((&group, "cycles of the time stamp counter a page"), &cells, cycles, &[])
            }
        };
    }
    let deviation = format!("{}: median deviation, of two samples or more.", plus_minus());
    out += &paragraph(&format!("{LEGEND} {deviation}"));
    let samples = report.samples();
    let noun = if samples == "1" { "sample" } else { "samples" };
    out += &paragraph(&format!("{samples} {noun} a figure."));
    let shares = report.overhead.iter().map(|overhead| overhead.share);
    if let Some(share) = shares.max_by(f64::total_cmp) {
        let share = format!("overhead of the tool: at most {:.2} % of a cell.", 100.0 * share);
        out += &paragraph(&share);
    }
    for warning in &report.warnings {
        out += &paragraph(&format!("warning: {}", Plain(warning)));
    }
    out
}

/// Throughput, the envelope, and the plan's share of it.
fn speed_of(group: &Group, cells: &[&Cell], l2: usize) -> String {
    let unit = format!("GB/s (10^9 bytes a second), median {} median deviation", plus_minus());
    tables(
        (group, &unit),
        cells,
        |cell| {
            let mark = if cell.planned { "*" } else { "" };
            format!("{mark}{}{}", three_digits(cell.gb_per_s), deviation(cell))
        },
        &[
            ("envelope", &|index, size| Some(three_digits(index.envelope(size)?.gb_per_s))),
            ("plan : envelope", &|index, size| {
                let plan = index.find(PLAN, size)?;
                let share = format!("{:.2}", plan.of_envelope?);
                Some(if plan.place.is_judged(l2) { share } else { format!("({share})") })
            }),
        ],
    )
}

fn ns(cell: &Cell) -> String {
    format!("{:.0}{}", cell.ns_per_page, deviation(cell))
}

fn cycles(cell: &Cell) -> String {
    let cycles = cell.tsc_cycles_per_page;
    cycles.map_or("-".to_owned(), |cycles| format!("{cycles:.0}{}", deviation(cell)))
}

/// Returns the deviation of the samples as a share of the median; of a single sample, nothing.
fn deviation(cell: &Cell) -> String {
    match cell.samples {
        0 | 1 => String::new(),
        _ => format!(" {}{:.0}%", plus_minus(), 100.0 * cell.ns_mad / cell.ns),
    }
}

/// A row below the contenders: its name, and its text at one size.
type Footer<'a> = (&'static str, &'a dyn Fn(&Index<'_>, usize) -> Option<String>);

/// One figure of a group: contenders down, sizes across.
fn tables(
    (group, unit): (&Group, &str),
    cells: &[&Cell],
    text: fn(&Cell) -> String,
    footers: &[Footer<'_>],
) -> String {
    let temperature = group.temperature.name();
    let mut out = paragraph(&format!("{temperature}, {}: {unit}", group.setup()));
    let index = Index::new(cells);
    for sizes in sizes(cells).chunks(columns()) {
        let mut table = ruled();
        let header = sizes.iter().map(|&size| format_size(size as u64));
        table.set_header([temperature.to_owned()].into_iter().chain(header));
        let mut row = |name: &str, text: &dyn Fn(usize) -> Option<String>| {
            let texts = sizes.iter().map(|&size| text(size).unwrap_or_default());
            table.add_row([name.to_owned()].into_iter().chain(texts));
        };
        for name in contenders(cells.iter().copied()) {
            row(&Plain(name).to_string(), &|size| index.find(name, size).map(text));
        }
        for (name, text) in footers {
            row(name, &|size| text(&index, size));
        }
        align_right(&mut table, 1..);
        out += &lines(table);
    }
    out
}

/// Sizes side by side: as many as the width holds.
fn columns() -> usize {
    const NAME: usize = 18;
    /// Without the sign of the deviation.
    const COLUMN: usize = 12;
    let column = COLUMN + plus_minus().chars().count();
    let width = terminal::width();
    width.map_or(usize::MAX, |width| (usize::from(width).saturating_sub(NAME) / column).max(1))
}
