//! `clearpage gallery`: an index page of all reports in a folder, and a page and a picture of each.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::html::{document, html};
use super::series::{Look, Series};
use super::svg::svg;
use super::text::{Escaped, date};
use super::{chart, machine, summary};
use crate::UserError;
use crate::harness::output::Outputs;
use crate::report::Report;
use crate::report::group::PLAN;
use crate::report::load::load;

#[derive(Debug, Args)]
pub struct Gallery {
    /// Folder of the JSON files; the pages and pictures are written beside them
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
}

/// The name of the index page, which no report may have.
const INDEX: &str = "index";

/// Reads every JSON file of the folder. Writes an HTML page and an SVG picture of each, and
/// `index.html`.
///
/// # Errors
/// The folder cannot be read or has no JSON file, a file is no report (the message names all of
/// them), or a file cannot be written. Nothing is written if a file cannot be opened.
pub fn run(args: &Gallery) -> Result<(), UserError> {
    let reports = reports(&args.folder)?;
    let index = args.folder.join(INDEX).with_extension("html");
    let mut pages: Vec<(PathBuf, String)> =
        reports.iter().map(|(path, report)| (path.with_extension("html"), html(report))).collect();
    let cards: Vec<_> =
        reports.iter().zip(&pages).map(|((_, report), (page, _))| (link(page), report)).collect();
    let gallery = gallery(&cards);
    pages.push((index, gallery));
    let pictures = reports.iter().map(|(path, report)| (path.with_extension("svg"), svg(report)));
    pages.extend(pictures);
    Outputs::regular(pages)?.finish(|page| page, "")
}

/// Returns all reports of a folder, sorted by file name.
fn reports(folder: &Path) -> Result<Vec<(PathBuf, Report)>, UserError> {
    let wrong = |what: &str| UserError(format!("{}: {what}", folder.display()));
    let entries = std::fs::read_dir(folder).map_err(|error| wrong(&error.to_string()))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| wrong(&error.to_string()))?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Err(wrong("no .json file in it"));
    }
    let mut reports = Vec::new();
    let mut bad = Vec::new();
    for path in paths {
        if path.file_stem().is_some_and(|stem| stem == INDEX) {
            bad.push(format!("{}: this name is reserved for the index page", path.display()));
            continue;
        }
        match load(&path) {
            Ok(report) => reports.push((path, report)),
            Err(error) => bad.push(error.0),
        }
    }
    if bad.is_empty() { Ok(reports) } else { Err(UserError(bad.join("; "))) }
}

/// Returns the relative URL of a file beside the index page, percent-encoded.
fn link(page: &Path) -> String {
    let name = page.file_name().unwrap_or_default().as_encoded_bytes();
    let mut link = "./".to_owned();
    for &byte in name {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            link.push(char::from(byte));
        } else {
            let _ = write!(link, "%{byte:02X}");
        }
    }
    link
}

/// Returns the index page, with a card for each report and a link to its page.
pub fn gallery(cards: &[(String, &Report)]) -> String {
    let mut body = "<header>\n<h1>Clearing memory, CPU by CPU</h1>\n\
                    <p>Reports of <code>clearpage bench</code>.</p>\n\
                    </header>\n<main class=\"cards\">\n"
        .to_owned();
    for (link, report) in cards {
        card(&mut body, link, report);
    }
    body.push_str("</main>\n");
    document("Clearing memory, CPU by CPU", &body)
}

fn card(body: &mut String, link: &str, report: &Report) {
    let machine = &report.machine;
    let shown = ["signature", "kernel", "hypervisor"];
    let facts = machine.description().into_iter().filter(|(name, _)| shown.contains(name));
    let _ = write!(
        body,
        "<article>\n<h2><a href=\"{link}\">{}</a></h2>\n{}",
        Escaped(&machine.cpu),
        machine::facts(facts.chain([("measured", date(report.started))]))
    );
    if let Some(text) = summary::plan_ratio(report) {
        let _ = writeln!(body, "<p>{text}</p>");
    }
    if let Some(chart) = chart::chart("The plan’s throughput against size", plan_lines(report)) {
        let _ = write!(
            body,
            "<figure>\n<figcaption>{}</figcaption>\n{}</figure>\n",
            Escaped(&chart.title),
            chart.inline()
        );
    }
    body.push_str(&summary::table(report));
    body.push_str("</article>\n");
}

/// Returns the plan's line at each temperature.
fn plan_lines(report: &Report) -> Vec<Series> {
    let groups = summary::main_groups(report).into_iter().enumerate();
    let line =
        |(i, (group, cells)): (usize, (crate::report::group::Group, Vec<&crate::report::Cell>))| {
            let plan = chart::series(&cells, &HashMap::new())
                .into_iter()
                .find(|line| line.name == PLAN)?;
            let look = if i == 0 { Look::MAIN } else { Look::nth(i) };
            Some(Series { name: group.temperature.name().to_owned(), look, points: plan.points })
        };
    groups.filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_percent_encoded() {
        assert_eq!(link(Path::new("results/zen5.html")), "./zen5.html");
        assert_eq!(link(Path::new("r/a b\"#?é%.html")), "./a%20b%22%23%3F%C3%A9%25.html");
    }
}
