//! A report as tables for the terminal.

use crate::harness::table::{align_right, ruled};
use crate::harness::terminal::{self, Plain};
use crate::harness::units::format_size;
use crate::report::group::{Group, Index, PLAN, contenders, groups, sizes};
use crate::report::{Cell, Report};

/// Returns all figures of a run.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    for (group, cells) in groups(report) {
        out += &speed_of(&group, &cells, report.machine.facts.l2);
        out += &time_of(&group, &cells);
    }
    out += "\
* = the plan's choice. envelope: the fastest primitive. plan: clear_pages_for with the
matching intent. auto: clear_pages. hot: the same memory repeatedly. cold: a walk,
not in the cache. use: cold, then every line read and written. reuse: in the cache,
then read and written. fault: fresh pages. In brackets: the plan is not judged.
";
    out += &format!("{} samples a figure.\n", report.samples());
    let shares = report.overhead.iter().map(|overhead| overhead.share);
    if let Some(share) = shares.max_by(f64::total_cmp) {
        out += &format!("overhead of the tool: at most {:.2} % of a cell.\n", 100.0 * share);
    }
    for warning in &report.warnings {
        out += &format!("warning: {}\n", Plain(warning));
    }
    out
}

/// Throughput, the envelope, and the plan's share of it.
fn speed_of(group: &Group, cells: &[&Cell], l2: usize) -> String {
    tables(
        (group, "GB/s (10^9 bytes a second), median ± median deviation"),
        cells,
        |cell| {
            let mark = if cell.planned { "*" } else { "" };
            format!("{mark}{} ±{:.0}%", speed(cell.gb_per_s), 100.0 * cell.ns_mad / cell.ns)
        },
        &[
            ("envelope", &|index, size| Some(speed(index.best(size)?.gb_per_s))),
            ("plan : envelope", &|index, size| {
                let plan = index.find(PLAN, size)?;
                let share = format!("{:.2}", plan.of_envelope?);
                Some(if plan.place.is_judged(l2) { share } else { format!("({share})") })
            }),
        ],
    )
}

fn time_of(group: &Group, cells: &[&Cell]) -> String {
    tables(
        (group, "ns a page | time stamp counter cycles a page"),
        cells,
        |cell| {
            let cycles = cell.tsc_cycles_per_page;
            let cycles = cycles.map_or("-".to_owned(), |cycles| format!("{cycles:.0}"));
            format!("{:.0} | {cycles}", cell.ns_per_page)
        },
        &[],
    )
}

/// Formats a speed with two digits or more.
fn speed(gb_per_s: f64) -> String {
    if gb_per_s < 9.95 { format!("{gb_per_s:.1}") } else { format!("{gb_per_s:.0}") }
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
    let mut out = format!("{temperature}, {}: {unit}\n", group.setup());
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
        out += &format!("{table}\n");
    }
    out
}

/// Sizes side by side: as many as the width holds.
fn columns() -> usize {
    const NAME: usize = 18;
    const COLUMN: usize = 12;
    let width = terminal::width();
    width.map_or(usize::MAX, |width| (usize::from(width).saturating_sub(NAME) / COLUMN).max(1))
}
