//! Tables for people.

use comfy_table::presets::{NOTHING, UTF8_FULL_CONDENSED};
use comfy_table::{CellAlignment, ContentArrangement, Table};

use crate::report::{Cell, Report, Temperature};
use crate::units::format_size;

/// A table without lines.
pub fn plain() -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table
}

/// A table with lines.
pub fn ruled() -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table
}

/// What a figure tells, and how it is printed.
type Figure = (&'static str, fn(&Cell) -> String);

/// Prints all figures of a run.
pub fn print(report: &Report) {
    let throughput: Figure = ("GB/s (10^9 bytes a second), median ± median deviation", |cell| {
        let mark = if cell.planned { "*" } else { "" };
        format!("{mark}{:.0} ±{:.0}%", cell.gb_per_s, 100.0 * cell.ns_mad / cell.ns)
    });
    let time: Figure = ("ns a page | time stamp counter cycles a page", |cell| {
        let cycles = cell.tsc_cycles_per_page;
        let cycles = cycles.map_or("-".to_owned(), |cycles| format!("{cycles:.0}"));
        format!("{:.0} | {cycles}", cell.ns_per_page)
    });
    for temperature in Temperature::ALL {
        let cells: Vec<_> =
            report.cells.iter().filter(|cell| cell.place.temperature == temperature).collect();
        if cells.is_empty() {
            continue;
        }
        for figure in [throughput, time] {
            print_figure(temperature, &cells, figure);
        }
    }
    println!("* = the plan's choice. plan: clear_pages_for with the intent that fits. auto:");
    println!("clear_pages. hot: the same memory again and again. cold: a walk, not in the cache.");
    let samples = |pick: fn(&mut dyn Iterator<Item = usize>) -> Option<usize>| {
        pick(&mut report.cells.iter().map(|cell| cell.samples)).unwrap_or(0)
    };
    let (fewest, most) = (samples(|all| all.min()), samples(|all| all.max()));
    let pinned = report
        .cells
        .first()
        .and_then(|cell| cell.place.cpu)
        .map_or("not pinned".to_owned(), |cpu| format!("pinned to CPU {cpu}"));
    println!("{fewest} to {most} samples a figure, {pinned}.");
    for warning in &report.warnings {
        println!("warning: {warning}");
    }
}

/// One figure of one temperature: contenders down, sizes across.
fn print_figure(temperature: Temperature, cells: &[&Cell], (title, text): Figure) {
    let mut sizes: Vec<_> = cells.iter().map(|cell| cell.place.size).collect();
    sizes.dedup();
    let mut names: Vec<&str> = Vec::new();
    for cell in cells {
        if !names.contains(&&*cell.contender) {
            names.push(&cell.contender);
        }
    }
    println!("{}: {title}", temperature.name());
    for sizes in sizes.chunks(columns()) {
        let mut table = ruled();
        let header = sizes.iter().map(|&size| format_size(size as u64));
        table.set_header([temperature.name().to_owned()].into_iter().chain(header));
        for name in &names {
            let row = sizes.iter().map(|&size| {
                let cell = cells.iter().find(|c| c.place.size == size && c.contender == *name);
                cell.map_or_else(String::new, |cell| text(cell))
            });
            table.add_row([(*name).to_owned()].into_iter().chain(row));
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        println!("{table}");
    }
}

/// Sizes side by side: all where the output is no terminal, else what its width holds.
fn columns() -> usize {
    const NAME: usize = 18;
    const COLUMN: usize = 12;
    let width = Table::new().set_content_arrangement(ContentArrangement::Dynamic).width();
    width.map_or(usize::MAX, |width| (usize::from(width).saturating_sub(NAME) / COLUMN).max(1))
}
