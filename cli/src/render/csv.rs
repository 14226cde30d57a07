//! A report as comma-separated values: a header, then a row a cell.
//!
//! | column | what |
//! |---|---|
//! | `contender` | who cleared |
//! | `cpu` | the CPU it was pinned to, empty where it was not or they were several |
//! | `threads` | threads that cleared at once |
//! | `backing` | `base`, `thp`, `hugetlb` |
//! | `temperature` | `hot`, `cold`, `use`, `reuse`, `fault` |
//! | `size` | bytes a call |
//! | `primitive`, `planned` | whether it is a row of the table of primitives, and the plan's choice |
//! | `ns`, `ns_mad` | nanoseconds a call: the median, and the median absolute deviation from it |
//! | `gb_per_s` | 10^9 bytes a second, of all threads together |
//! | `ns_per_page`, `tsc_cycles_per_page` | a page, the latter empty where there is no such counter |
//! | `of_envelope` | speed as a share of the fastest primitive's at the same place; may be empty |
//! | `samples` | samples taken |
//!
//! Numbers are as exact as in the JSON. A contender that a spreadsheet may take for a formula has a
//! `'` before it: one that begins with `=`, `+`, `-`, `@`, a full-width form of these, a tab or a
//! line break.

use crate::report::{Cell, Report};

/// The columns, in their order.
pub const HEADER: [&str; 15] = [
    "contender",
    "cpu",
    "threads",
    "backing",
    "temperature",
    "size",
    "primitive",
    "planned",
    "ns",
    "ns_mad",
    "gb_per_s",
    "ns_per_page",
    "tsc_cycles_per_page",
    "of_envelope",
    "samples",
];

/// All figures of a report.
pub fn csv(report: &Report) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let rows = report.cells.iter().map(row);
    for record in std::iter::once(HEADER.map(str::to_owned)).chain(rows) {
        writer.write_record(record).expect("as many fields as before, into memory");
    }
    let bytes = writer.into_inner().expect("memory takes all");
    String::from_utf8(bytes).expect("made of strings")
}

/// Marks as text what a spreadsheet may take for a formula.
fn text(text: &str) -> String {
    let is_formula =
        text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}

fn row(cell: &Cell) -> [String; 15] {
    let number = |value: f64| if value.is_finite() { value.to_string() } else { String::new() };
    let maybe = |value: Option<f64>| value.map_or_else(String::new, number);
    let place = &cell.place;
    [
        text(&cell.contender),
        place.cpu.map_or_else(String::new, |cpu| cpu.to_string()),
        place.threads.to_string(),
        place.backing.name().to_owned(),
        place.temperature.name().to_owned(),
        place.size.to_string(),
        cell.primitive.to_string(),
        cell.planned.to_string(),
        number(cell.ns),
        number(cell.ns_mad),
        number(cell.gb_per_s),
        number(cell.ns_per_page),
        maybe(cell.tsc_cycles_per_page),
        maybe(cell.of_envelope),
        cell.samples.to_string(),
    ]
}
