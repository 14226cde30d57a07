//! A report as tables for the terminal.

use comfy_table::CellAlignment;

use crate::harness::table::ruled;
use crate::harness::terminal::{self, Plain};
use crate::harness::units::format_size;
use crate::report::{Cell, Place, Report};

/// Returns all figures of a run.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    let same = |a: &Cell, b: &Cell| Place { size: 0, ..a.place } == Place { size: 0, ..b.place };
    for cells in report.cells.chunk_by(same) {
        out += &speed_of(cells, report.machine.facts.l2);
        out += &time_of(cells);
    }
    out += "\
* = the plan's choice. envelope: the fastest primitive. plan: clear_pages_for with the
matching intent. auto: clear_pages. hot: the same memory repeatedly. cold: a walk,
not in the cache. use: cold, then every line read and written. reuse: in the cache,
then read and written. fault: fresh pages. In brackets: the plan is not judged.
";
    let samples = report.cells.iter().map(|cell| cell.samples);
    let (fewest, most) = (samples.clone().min().unwrap_or(0), samples.max().unwrap_or(0));
    out += &format!("{fewest} to {most} samples a figure.\n");
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
fn speed_of(cells: &[Cell], l2: usize) -> String {
    tables(
        cells,
        "GB/s (10^9 bytes a second), median ± median deviation",
        |cell| {
            let mark = if cell.planned { "*" } else { "" };
            format!("{mark}{} ±{:.0}%", speed(cell.gb_per_s), 100.0 * cell.ns_mad / cell.ns)
        },
        &[
            ("envelope", &|cells| {
                let primitives = cells.iter().filter(|cell| cell.primitive);
                let best = primitives.map(|cell| cell.gb_per_s).max_by(f64::total_cmp);
                best.map_or_else(String::new, speed)
            }),
            ("plan : envelope", &|cells| {
                let plan = cells.iter().find(|cell| cell.contender == "plan");
                let share =
                    plan.and_then(|plan| Some((plan.of_envelope?, plan.place.is_judged(l2))));
                share.map_or_else(String::new, |(share, judged)| {
                    if judged { format!("{share:.2}") } else { format!("({share:.2})") }
                })
            }),
        ],
    )
}

fn time_of(cells: &[Cell]) -> String {
    tables(
        cells,
        "ns a page | time stamp counter cycles a page",
        |cell| {
            let cycles = cell.tsc_cycles_per_page;
            let cycles = cycles.map_or("-".to_owned(), |cycles| format!("{cycles:.0}"));
            format!("{:.0} | {cycles}", cell.ns_per_page)
        },
        &[],
    )
}

/// Two digits of it, or more.
fn speed(gb_per_s: f64) -> String {
    if gb_per_s < 9.95 { format!("{gb_per_s:.1}") } else { format!("{gb_per_s:.0}") }
}

/// A row below the contenders: its name, and what it says of one size.
type Footer<'a> = (&'static str, &'a dyn Fn(&[&Cell]) -> String);

/// One figure of one place: contenders down, sizes across.
fn tables(cells: &[Cell], unit: &str, text: fn(&Cell) -> String, footers: &[Footer<'_>]) -> String {
    let (temperature, place) = (cells[0].place.temperature.name(), cells[0].place.setup());
    let mut out = format!("{temperature}, {place}: {unit}\n");
    let mut sizes: Vec<_> = cells.iter().map(|cell| cell.place.size).collect();
    sizes.dedup();
    let mut names: Vec<&str> = Vec::new();
    for cell in cells {
        if !names.contains(&&*cell.contender) {
            names.push(&cell.contender);
        }
    }
    let of_size = |&size: &usize| cells.iter().filter(move |cell| cell.place.size == size);
    for sizes in sizes.chunks(columns()) {
        let mut table = ruled();
        let header = sizes.iter().map(|&size| format_size(size as u64));
        table.set_header([temperature.to_owned()].into_iter().chain(header));
        for name in &names {
            let row = sizes.iter().map(|size| {
                let cell = of_size(size).find(|cell| cell.contender == *name);
                cell.map_or_else(String::new, text)
            });
            table.add_row([Plain(name).to_string()].into_iter().chain(row));
        }
        for (name, text) in footers {
            let row = sizes.iter().map(|size| text(&of_size(size).collect::<Vec<_>>()));
            table.add_row([(*name).to_owned()].into_iter().chain(row));
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
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
