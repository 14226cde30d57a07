//! `clearpage gallery`: an index page and picture of all reports in a folder, and a page and a picture of
//! each.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::html::linked;
pub use super::overview::html as gallery;
use super::{overview, svg};
use crate::UserError;
use crate::harness::output::Outputs;
use crate::report::Report;
use crate::report::load::load;

#[derive(Debug, Args)]
pub struct Gallery {
    /// Folder of the JSON files; the pages and pictures are written beside them
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
}

/// The name of the index page and picture, which no report may have.
pub const INDEX: &str = "index";

/// Reads every JSON file of the folder. Writes an HTML page and an SVG picture of each, `index.html` and
/// `index.svg`.
///
/// # Errors
/// The folder cannot be read or has no JSON file, a file is no report (the message names all of
/// them), or a file cannot be written. Nothing is written if a file cannot be opened.
pub fn run(args: &Gallery) -> Result<(), UserError> {
    let files = reports(&args.folder)?;
    let reports: Vec<_> = files.iter().map(|(path, report)| (link(path), report)).collect();
    let titles = overview::titles(&reports).into_iter();
    let titled: Vec<_> = titles.zip(files.iter().map(|(_, report)| report)).collect();
    let index = args.folder.join(INDEX);
    let mut outputs = vec![
        (index.with_extension("html"), gallery(&reports)),
        (index.with_extension("svg"), svg::overview(&titled)),
    ];
    for ((path, report), (file, _)) in files.iter().zip(&reports) {
        let links = [
            (format!("./{INDEX}.html"), "All machines".to_owned()),
            (format!("{file}.json"), "JSON".to_owned()),
            (format!("{file}.svg"), "Picture".to_owned()),
        ];
        outputs.push((path.with_extension("html"), linked(report, &links)));
        outputs.push((path.with_extension("svg"), svg::svg(report)));
    }
    Outputs::regular(outputs)?.finish(|contents| contents, "")
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

/// Returns the relative URL of a file beside the index page without its extension, percent-encoded.
fn link(file: &Path) -> String {
    let name = file.file_stem().unwrap_or_default().as_encoded_bytes();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_percent_encoded() {
        assert_eq!(link(Path::new("results/zen5.json")), "./zen5");
        assert_eq!(link(Path::new("r/a b\"#?é%.json")), "./a%20b%22%23%3F%C3%A9%25");
    }
}
