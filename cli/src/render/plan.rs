//! The plan of a report as a table.

use std::fmt::Write;

use super::text::Escaped;
use crate::harness::units::format_size;
use crate::report::Report;

/// Intents and the lengths that each primitive serves.
pub fn table(report: &Report) -> String {
    let mut out = "<div class=\"scroll\"><table class=\"words\">\n<caption>The plan: the primitive for each intent and length</caption>\n<thead>\
                   <tr><th scope=\"col\">intent</th><th scope=\"col\">from</th><th scope=\"col\">to \
                   below</th><th scope=\"col\">primitive</th></tr></thead>\n<tbody>\n"
        .to_owned();
    for (i, row) in report.plan.iter().enumerate() {
        let next = report.plan.get(i + 1).filter(|next| next.intent == row.intent);
        let to = next.map_or_else(|| "–".to_owned(), |next| format_size(next.from as u64));
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{to}</td><td>{}</td></tr>",
            Escaped(&row.intent),
            format_size(row.from as u64),
            Escaped(&row.primitive)
        );
    }
    out.push_str("</tbody></table></div>\n");
    out
}
