//! The index page of a gallery: a table across machines, then a card for each.

use std::collections::HashMap;
use std::fmt::Write;

use super::gallery::INDEX;
use super::html::{Link, document, items, project};
use super::text::{Escaped, date, percent, short, times_range};
use super::times::{Comparison, comparisons};
use super::verdict::Share;
use super::{legend, machine, summary, times, verdict};
use crate::report::group::PLAN;
use crate::report::{Report, Temperature};

/// Returns the title of each report, which no other has. Each report comes with the address of its
/// files, without their extension.
pub fn titles(reports: &[(String, &Report)]) -> Vec<String> {
    let titles = reports.iter().map(|(_, report)| machine::title(&report.machine));
    let titles: Vec<_> = titles.collect();
    let mut uses = HashMap::<&str, usize>::new();
    for title in &titles {
        *uses.entry(title).or_default() += 1;
    }
    let distinct = |(title, (file, _)): (&String, &(String, &Report))| match uses[&**title] {
        1 => title.clone(),
        _ => format!("{title} ({})", file.trim_start_matches("./")),
    };
    titles.iter().zip(reports).map(distinct).collect()
}

/// Returns the page. Each report comes with the address of its files, without their extension.
pub fn html(reports: &[(String, &Report)]) -> String {
    const TITLE: &str = "Clearing memory, CPU by CPU";
    let titles = titles(reports);
    let mut body = format!(
        "<header>\n<h1>{TITLE}</h1>\n<p>Reports of <code>clearpage bench</code>: one CPU of each machine \
         zeroes memory that is in its caches (hot) or not (cold).</p>\n<nav aria-label=\"Links\"><ul>"
    );
    items(&mut body, &[(format!("./{INDEX}.svg"), "Picture of all".to_owned())]);
    items(&mut body, &[project()]);
    body.push_str("</ul></nav>\n</header>\n<main>\n");
    table(&mut body, reports, &titles);
    body.push_str(&legend::html(reports.iter().map(|(_, report)| *report)));
    body.push_str("<div class=\"cards\">\n");
    let frame = times::frame(reports.iter().map(|(_, report)| *report));
    for ((file, report), title) in reports.iter().zip(&titles) {
        card(&mut body, report, (file, title), frame);
    }
    body.push_str("</div>\n</main>\n");
    document(TITLE, &body)
}

/// A row for each machine. On a narrow page, a field is a line with its heading.
fn table(body: &mut String, reports: &[(String, &Report)], titles: &[String]) {
    const COLUMNS: [&str; 8] = [
        "machine",
        "CPUs",
        "peak hot, GB/s",
        "peak cold, GB/s",
        "× memset, hot",
        "× memset, cold",
        "% of fastest, median",
        "% of fastest, least",
    ];
    body.push_str(
        "<div class=\"scroll\"><table class=\"machines\">\n<caption>clearpage on each machine: its \
         highest throughput, the least and the most times of <code>memset</code>’s speed, and its \
         share of the fastest primitive’s speed</caption>\n<thead><tr>",
    );
    for name in COLUMNS {
        let _ = write!(body, "<th scope=\"col\">{name}</th>");
    }
    body.push_str("</tr></thead>\n<tbody>\n");
    for ((file, report), title) in reports.iter().zip(titles) {
        let (share, comparisons) = (Share::of(report), comparisons(report));
        let of = |temperature: Temperature, text: &dyn Fn(&Comparison<'_>) -> Option<String>| {
            let found = comparisons.iter().find(|one| one.group.temperature == temperature);
            found.and_then(text).unwrap_or_else(|| "–".to_owned())
        };
        let peak = |comparison: &Comparison<'_>| {
            let cells = comparison.cells.iter().filter(|cell| cell.contender == PLAN);
            cells.map(|cell| cell.gb_per_s).max_by(f64::total_cmp).map(short)
        };
        let range = |comparison: &Comparison<'_>| times_range(&comparison.of_memset);
        let shown = |share: Option<f64>| share.map_or_else(|| "–".to_owned(), percent);
        let fields = [
            report.machine.cpus.to_string(),
            of(Temperature::Hot, &peak),
            of(Temperature::Cold, &peak),
            of(Temperature::Hot, &range),
            of(Temperature::Cold, &range),
            shown(share.map(|share| share.median)),
            shown(share.map(|share| share.least)),
        ];
        let title = Escaped(title);
        let _ = write!(body, "<tr><th scope=\"row\"><a href=\"{file}.html\">{title}</a></th>");
        for (name, field) in COLUMNS[1..].iter().zip(fields) {
            let _ = write!(body, "<td data-name=\"{name}\">{field}</td>");
        }
        body.push_str("</tr>\n");
    }
    body.push_str("</tbody></table></div>\n");
}

fn card(
    body: &mut String,
    report: &Report,
    (file, title): (&str, &str),
    frame: super::plot::Frame,
) {
    let shown = ["signature", "kernel", "hypervisor"];
    let facts = report.machine.description().into_iter().filter(|(name, _)| shown.contains(name));
    let _ = write!(
        body,
        "<article>\n<h2><a href=\"{file}.html\">{}</a></h2>\n{}<div class=\"pictures\">\n",
        Escaped(title),
        verdict::html(report)
    );
    for picture in times::pictures(report, frame) {
        body.push_str(&picture.figure());
    }
    let _ = write!(
        body,
        "</div>\n{}<details>\n<summary>The fastest primitives</summary>\n{}</details>\n<nav aria-label=\"Files\"><ul>",
        machine::facts(facts.chain([("measured", date(report.started))])),
        summary::table(report)
    );
    let link = |(extension, text): (&str, &str)| -> Link {
        (format!("{file}.{extension}"), text.to_owned())
    };
    items(body, &[("html", "Page"), ("json", "JSON"), ("svg", "Picture")].map(link));
    body.push_str("</ul></nav>\n</article>\n");
}
