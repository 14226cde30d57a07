//! A report as a page: whole in itself, without a script, and also well-formed XML.

use std::collections::HashMap;
use std::fmt::Write;

use super::series::Look;
use super::text::{Escaped, date};
use super::{bars, chart, figures, heatmap, machine, plan, summary};
use crate::report::group::{Group, groups, main_cpu};
use crate::report::{Cell, Report};

pub fn html(report: &Report) -> String {
    let mut body = String::new();
    head(&mut body, report);
    let _ = write!(
        body,
        "<section id=\"summary\">\n<h2>In one look</h2>\n{}<div class=\"pictures\">\n{}{}</div>\n\
         </section>\n",
        summary::plan_ratio(report).map_or_else(String::new, |text| format!("<p>{text}</p>\n")),
        summary::table(report),
        plan::table(report)
    );
    pictures(&mut body, report);
    let bars = bars::bars(report);
    if !bars.is_empty() {
        body.push_str("<section id=\"cpus\">\n<h2>CPU by CPU</h2>\n<div class=\"pictures\">\n");
        for picture in &bars {
            let title = Escaped(&picture.title);
            let _ = write!(
                body,
                "<figure>\n<figcaption>{title}</figcaption>\n{}</figure>\n",
                picture.inline()
            );
        }
        body.push_str("</div>\n</section>\n");
    }
    let _ = write!(
        body,
        "<section id=\"machine\">\n<h2>Machine and settings</h2>\n{}</section>\n",
        machine::list(report)
    );
    body.push_str("<section id=\"figures\">\n<h2>All figures</h2>\n<p>* = the plan’s choice; ± is the median absolute \
         deviation from the median.</p>\n");
    for (group, cells) in groups(report) {
        body.push_str(&figures::table(&group, &cells));
    }
    body.push_str("</section>\n</main>\n");
    document(&format!("Clearing memory on {}", report.machine.cpu), &body)
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

fn head(body: &mut String, report: &Report) {
    let machine = &report.machine;
    let _ = write!(
        body,
        "<header>\n<h1>Clearing memory on {}</h1>\n<p>{}, {}; measured {} by clearpage {}.</p>\n\
         <nav aria-label=\"Contents\"><ul>",
        Escaped(&machine.cpu),
        Escaped(&machine.kernel),
        Escaped(
            &machine
                .hypervisor
                .as_ref()
                .map_or_else(|| "no hypervisor seen".to_owned(), |name| format!("under {name}"))
        ),
        date(report.started),
        Escaped(&report.version)
    );
    let contents = [
        ("summary", "In one look"),
        ("pictures", "Throughput"),
        ("machine", "Machine and settings"),
        ("figures", "All figures"),
    ];
    for (id, name) in contents {
        let _ = write!(body, "<li><a href=\"#{id}\">{name}</a></li>");
    }
    body.push_str("</ul></nav>\n</header>\n<main>\n");
    let unfinished = "This run was ended before all was measured.".to_owned();
    let unfinished = (!report.complete).then_some(&unfinished);
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
         mapped. thp: transparent huge pages, if available. The plan is <code>clear_pages_for</code> with the matching intent, auto is \
         <code>clear_pages</code>. GB/s: 10<sup>9</sup> bytes a second.</p>\n",
    );
    let looks = chart::looks(report);
    let main = main_cpu(report);
    let (first, mut others): (Vec<_>, Vec<_>) =
        groups(report).into_iter().partition(|(group, _)| group.cpu.is_none() || group.cpu == main);
    for (group, cells) in &first {
        pair(body, group, cells, &looks);
    }
    others.sort_by_key(|(group, _)| group.cpu);
    for of_cpu in others.chunk_by(|a, b| a.0.cpu == b.0.cpu) {
        let Some(cpu) = of_cpu[0].0.cpu else { continue };
        let _ = write!(body, "<details>\n<summary>CPU {cpu}</summary>\n");
        for (group, cells) in of_cpu {
            pair(body, group, cells, &looks);
        }
        body.push_str("</details>\n");
    }
    body.push_str("</section>\n");
}

fn pair(body: &mut String, group: &Group, cells: &[&Cell], looks: &HashMap<&str, Look>) {
    let name = group.name();
    let _ = write!(body, "<h3>{}</h3>\n<div class=\"pictures\">\n", Escaped(&name));
    if let Some(chart) = chart::chart(&name, chart::series(cells, looks)) {
        let _ = write!(body, "<figure>\n{}</figure>\n", chart.inline());
    }
    let _ = write!(body, "<figure>\n{}</figure>\n</div>\n", heatmap::heatmap(group, cells));
}
