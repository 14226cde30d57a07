//! A report as a page: whole in itself, without a script, and also well-formed XML.

use std::fmt::Write;

use super::plot::Frame;
use super::text::Escaped;
use super::{bars, chart, figures, heatmap, legend, machine, plan, summary, times, verdict};
use crate::report::group::{Group, groups, main_cpu};
use crate::report::{Cell, Report};

/// The address and the text of a link to another page or file.
pub type Link = (String, String);

/// Returns the page of a report that stands alone.
pub fn html(report: &Report) -> String {
    linked(report, &[])
}

/// Returns the page of a report with links to others.
pub fn linked(report: &Report, links: &[Link]) -> String {
    let mut body = String::new();
    head(&mut body, report, links);
    look(&mut body, report);
    pictures(&mut body, report);
    let bars = bars::bars(report);
    if !bars.is_empty() {
        body.push_str("<section id=\"cpus\">\n<h2>CPU by CPU</h2>\n<div class=\"pictures\">\n");
        bars.iter().for_each(|picture| body.push_str(&picture.figure()));
        body.push_str("</div>\n</section>\n");
    }
    let _ = write!(
        body,
        "<section id=\"machine\">\n<h2>Machine and settings</h2>\n{}</section>\n",
        machine::list(report)
    );
    body.push_str(
        "<section id=\"figures\">\n<h2>All figures</h2>\n<p>* = the plan’s choice; \
         ± is the median absolute deviation from the median.</p>\n",
    );
    for (group, cells) in groups(report) {
        body.push_str(&figures::table(&group, &cells));
    }
    body.push_str("</section>\n</main>\n");
    document(&format!("Clearing memory on {}", machine::title(&report.machine)), &body)
}

/// A whole page around `body`; `title` is escaped here.
pub fn document(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n\
         <meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'\"/>\n\
         <title>{}</title>\n<style>\n{}{}{}{}</style>\n</head>\n<body>\n{body}</body>\n</html>\n",
        Escaped(title),
        include_str!("theme.css"),
        include_str!("chart.css"),
        include_str!("page.css"),
        heatmap::css(),
    )
}

/// Returns the link to the project.
pub fn project() -> Link {
    (env!("CARGO_PKG_HOMEPAGE").to_owned(), "clearpage".to_owned())
}

/// Writes links as items of a list.
pub fn items(body: &mut String, links: &[Link]) {
    for (address, text) in links {
        let (address, text) = (Escaped(address), Escaped(text));
        let _ = write!(body, "<li><a href=\"{address}\">{text}</a></li>");
    }
}

fn head(body: &mut String, report: &Report, links: &[Link]) {
    let _ = write!(
        body,
        "<header>\n<h1>Clearing memory on {}</h1>\n<p>{}</p>\n<nav aria-label=\"Contents\"><ul>",
        Escaped(&machine::title(&report.machine)),
        Escaped(&machine::subtitle(report)),
    );
    let contents = [
        ("#summary", "In one look"),
        ("#pictures", "Throughput"),
        ("#machine", "Machine and settings"),
        ("#figures", "All figures"),
    ];
    items(body, &contents.map(|(address, text)| (address.to_owned(), text.to_owned())));
    items(body, links);
    items(body, &[project()]);
    body.push_str("</ul></nav>\n</header>\n<main>\n");
}

/// What the first picture shows.
const EXPLANATION: &str = "<p>Hot: the same memory repeatedly, so that it is in the caches as far as it fits. \
    Cold: memory that is not cached. The bold line at 1× is <code>memset</code>; the dotted lines are the \
    sizes of the caches. Below the axis: how many times as fast clearpage is.</p>\n";

/// The first screen: the verdict and its picture, what may have affected the figures, the tables.
fn look(body: &mut String, report: &Report) {
    let pictures = times::pictures(report, times::frame([report]));
    let pictures: String = pictures.iter().map(|picture| picture.figure()).collect();
    let _ = write!(
        body,
        "<section id=\"summary\">\n<h2>In one look</h2>\n{}<div class=\"pictures\">\n{pictures}</div>\n{}{}",
        verdict::html(report),
        if pictures.is_empty() { "" } else { EXPLANATION },
        legend::html([report]),
    );
    notes(body, report);
    let _ = write!(
        body,
        "<div class=\"pictures\">\n{}{}</div>\n</section>\n",
        summary::table(report),
        plan::table(report)
    );
}

fn notes(body: &mut String, report: &Report) {
    // The warning of an interrupted run says so already.
    let told = report.warnings.iter().any(|warning| warning.starts_with("interrupted"));
    let unfinished = "This run was ended before all was measured.".to_owned();
    let unfinished = (!report.complete && !told).then_some(&unfinished);
    let notes: Vec<_> = unfinished.into_iter().chain(&report.warnings).collect();
    if !notes.is_empty() {
        body.push_str("<ul class=\"notes\" aria-label=\"Warnings\">\n");
        for note in notes {
            let _ = writeln!(body, "<li>{}</li>", Escaped(note));
        }
        body.push_str("</ul>\n");
    }
}

/// Chart and heat map of each group: those of the main CPU and those of several at once first, the
/// other CPUs folded.
fn pictures(body: &mut String, report: &Report) {
    body.push_str(
        "<section id=\"pictures\">\n<h2>Throughput against size</h2>\n\
         <p>Hot: the same memory repeatedly. Cold: a walk through more memory than the caches \
         hold. Clear, then use: as cold, then every line is read and written. Page faults: freshly \
         mapped. thp: transparent huge pages, if available. clearpage is <code>clear_pages_for</code> \
         with the matching intent (in the tables: plan), auto is <code>clear_pages</code>. \
         GB/s: 10<sup>9</sup> bytes a second. All charts have the same axes; a band is the median \
         absolute deviation.</p>\n",
    );
    let frame = chart::frame(report);
    let main = main_cpu(report);
    let (first, mut others): (Vec<_>, Vec<_>) =
        groups(report).into_iter().partition(|(group, _)| group.cpu.is_none() || group.cpu == main);
    for (group, cells) in &first {
        pair(body, report, frame, (group, cells));
    }
    others.sort_by_key(|(group, _)| group.cpu);
    for of_cpu in others.chunk_by(|a, b| a.0.cpu == b.0.cpu) {
        let Some(cpu) = of_cpu[0].0.cpu else { continue };
        let _ = write!(body, "<details>\n<summary>CPU {cpu}</summary>\n");
        for (group, cells) in of_cpu {
            pair(body, report, frame, (group, cells));
        }
        body.push_str("</details>\n");
    }
    body.push_str("</section>\n");
}

fn pair(
    body: &mut String,
    report: &Report,
    frame: Option<Frame>,
    (group, cells): (&Group, &[&Cell]),
) {
    body.push_str("<div class=\"pictures\">\n");
    if let Some(chart) = frame.and_then(|frame| chart::chart(report, frame, (group, cells))) {
        body.push_str(&chart.figure());
    }
    let (name, map) = (group.name(), heatmap::heatmap(group, cells));
    let _ = write!(body, "<figure>\n<figcaption>{name}</figcaption>\n{map}</figure>\n</div>\n");
}
