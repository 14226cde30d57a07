//! All figures as tables.

use std::fmt::Write;

use super::text::{Escaped, figure, percent};
use crate::harness::units::format_size;
use crate::report::Cell;
use crate::report::group::Group;

/// The columns after the contender and the size, and their figures.
type Column = (&'static str, fn(&Cell) -> String);
const COLUMNS: [Column; 7] = [
    ("GB/s", |cell| figure(cell.gb_per_s)),
    ("ns a call", |cell| figure(cell.ns)),
    ("± ns", |cell| figure(cell.ns_mad)),
    ("ns a page", |cell| figure(cell.ns_per_page)),
    ("cycles a page", |cell| cell.tsc_cycles_per_page.map_or_else(|| "–".to_owned(), figure)),
    ("% of fastest", |cell| cell.of_envelope.map_or_else(|| "–".to_owned(), percent)),
    ("samples", |cell| cell.samples.to_string()),
];

/// The figures of a group: a row a cell, folded.
pub fn table(group: &Group, cells: &[&Cell]) -> String {
    let (mut out, name) = (String::new(), group.name());
    let _ = write!(
        out,
        "<details>\n<summary>{name}</summary>\n<div class=\"scroll\"><table class=\"figures\" \
         aria-label=\"{name}\">\n<thead><tr><th scope=\"col\">contender</th><th scope=\"col\">size</th>"
    );
    for (name, _) in COLUMNS {
        let _ = write!(out, "<th scope=\"col\">{name}</th>");
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for cell in cells {
        let mark = if cell.planned { "*" } else { "" };
        let size = format_size(cell.place.size as u64);
        let name = Escaped(&cell.contender);
        let _ = write!(out, "<tr><th scope=\"row\">{name}{mark}</th><td>{size}</td>");
        for (_, text) in COLUMNS {
            let _ = write!(out, "<td>{}</td>", text(cell));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n</details>\n");
    out
}
