//! What the lines of the charts are.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;

use super::family::{FAMILIES, Family};
use super::text::Escaped;
use crate::report::Report;

/// Contenders that are named. The tables have all.
const NAMED: usize = 16;

/// Returns the families of some reports, and what belongs to each.
pub fn entries<'a>(reports: impl IntoIterator<Item = &'a Report>) -> Vec<(Family, String)> {
    let mut members = BTreeMap::<Family, Vec<&str>>::new();
    let mut seen = HashSet::new();
    for cell in reports.into_iter().flat_map(|report| &report.cells) {
        if seen.insert(&*cell.contender) {
            members.entry(Family::of(cell)).or_default().push(&cell.contender);
        }
    }
    let entry = |(family, names): (Family, Vec<&str>)| {
        let more = match names.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let names = names[..names.len().min(NAMED)].join(", ");
        (family, format!("{}: {names}{more}", family.description()))
    };
    members.into_iter().map(entry).collect()
}

/// Returns the legend as a list of HTML.
pub fn html<'a>(reports: impl IntoIterator<Item = &'a Report>) -> String {
    let entries = entries(reports);
    if entries.is_empty() {
        return String::new();
    }
    let mut out = "<ul class=\"legend\" aria-label=\"Legend\">\n".to_owned();
    for (family, text) in entries {
        let _ = writeln!(out, "<li>{}<span>{}</span></li>", swatch(family), Escaped(&text));
    }
    out.push_str("</ul>\n");
    out
}

/// Returns the short legend below a chart, for pages that are too narrow for names at the lines.
pub fn key() -> String {
    let mut out = "<ul class=\"legend key\" aria-hidden=\"true\">".to_owned();
    for family in FAMILIES {
        let _ = write!(out, "<li>{}<span>{}</span></li>", swatch(family), family.label());
    }
    out.push_str("</ul>\n");
    out
}

fn swatch(family: Family) -> String {
    format!(
        "<svg class=\"swatch\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 30 10\" \
         aria-hidden=\"true\">{}</svg>",
        sample(family)
    )
}

/// Returns a piece of a line of 30 units, its middle 5 units below the origin.
pub fn sample(family: Family) -> String {
    let class = family.class();
    let marker = family.marker().map_or_else(String::new, |shape| {
        format!("<path class=\"mark {class}\" transform=\"translate(15 5)\" d=\"{shape}\"/>")
    });
    format!("<path class=\"line {class}\" d=\"M0 5H30\"/>{marker}")
}
