//! A report as comma-separated values: a header, then a row a cell.
//!
//! | column | what |
//! |---|---|
//! | `contender` | what cleared |
//! | `cpu` | the CPU of a single pinned thread, otherwise empty |
//! | `threads` | number of threads |
//! | `backing` | `base`, `thp`, `hugetlb` |
//! | `temperature` | `hot`, `cold`, `use`, `reuse`, `fault` |
//! | `size` | bytes a call |
//! | `primitive`, `planned` | whether it is a row of the table of primitives, and the plan's choice |
//! | `ns`, `ns_mad` | nanoseconds a call: the median, and the median absolute deviation from it |
//! | `gb_per_s` | 10^9 bytes a second, of all threads together |
//! | `ns_per_page`, `tsc_cycles_per_page` | time of a page; cycles are empty without such a counter |
//! | `of_envelope` | speed as a share of the fastest primitive's at the same place; may be empty |
//! | `samples` | samples taken |
//!
//! Numbers are as exact as in the JSON. A contender that a spreadsheet may take for a formula has a
//! `'` before it: one that begins with `=`, `+`, `-`, `@`, a full-width form of these, a tab or a
//! line break.

use crate::report::{Cell, Report};

type Column = (&'static str, fn(&Cell) -> String);

/// The columns, in their order.
const COLUMNS: [Column; 15] = [
    ("contender", |cell| text(&cell.contender)),
    ("cpu", |cell| cell.place.cpu.map_or_else(String::new, |cpu| cpu.to_string())),
    ("threads", |cell| cell.place.threads.to_string()),
    ("backing", |cell| cell.place.backing.name().to_owned()),
    ("temperature", |cell| cell.place.temperature.name().to_owned()),
    ("size", |cell| cell.place.size.to_string()),
    ("primitive", |cell| cell.primitive.to_string()),
    ("planned", |cell| cell.planned.to_string()),
    ("ns", |cell| number(Some(cell.ns))),
    ("ns_mad", |cell| number(Some(cell.ns_mad))),
    ("gb_per_s", |cell| number(Some(cell.gb_per_s))),
    ("ns_per_page", |cell| number(Some(cell.ns_per_page))),
    ("tsc_cycles_per_page", |cell| number(cell.tsc_cycles_per_page)),
    ("of_envelope", |cell| number(cell.of_envelope)),
    ("samples", |cell| cell.samples.to_string()),
];

/// Returns all figures of a report.
pub fn csv(report: &Report) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = COLUMNS.map(|(name, _)| name.to_owned());
    let rows = report.cells.iter().map(|cell| COLUMNS.map(|(_, text)| text(cell)));
    for record in std::iter::once(header).chain(rows) {
        writer.write_record(record).expect("as many fields as before, into memory");
    }
    let bytes = writer.into_inner().expect("memory takes all");
    String::from_utf8(bytes).expect("made of strings")
}

fn number(value: Option<f64>) -> String {
    value.filter(|value| value.is_finite()).map_or_else(String::new, |value| value.to_string())
}

/// Marks as text what a spreadsheet may take for a formula.
pub fn text(text: &str) -> String {
    let is_formula =
        text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}
