//! Pictures of a report, whoever made it: every function here turns a [`Report`] into text and does
//! nothing else, but for [`run`], [`gallery::run`] and [`Outputs`].
//!
//! `group` says which cells belong together; `text` writes what a browser may not misread;
//! `chart`, `bars` and `heatmap` draw one picture; `svg`, `html` and `gallery` put them together.
//! The SVG is written here and not by plotters: that writes colours as numbers, so that a picture
//! cannot follow a dark page, and knows neither dash patterns nor titles.

pub mod bars;
pub mod chart;
pub mod csv;
pub mod figures;
pub mod gallery;
pub mod group;
pub mod heatmap;
pub mod html;
pub mod machine;
pub mod outputs;
pub mod picture;
pub mod plan;
pub mod scale;
pub mod series;
pub mod summary;
pub mod svg;
pub mod text;

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use serde::Deserialize;

use crate::UserError;
use crate::report::{Report, SCHEMA};
use outputs::Outputs;

/// What is drawn of what.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("output").required(true).multiple(true).args(["csv", "svg", "html"])))]
pub struct Render {
    /// What `clearpage bench --json` wrote, here or elsewhere
    #[arg(value_name = "FILE.json")]
    pub report: PathBuf,
    /// Where to.
    #[command(flatten)]
    pub outputs: Outputs,
}

/// Draws the report of a file.
///
/// # Errors
/// The file is no report that this tool reads, or an output cannot be written.
pub fn run(args: &Render) -> Result<(), UserError> {
    let report = read(&args.report)?;
    args.outputs.open()?.write(&report)
}

/// Reads what `--json` wrote.
///
/// # Errors
/// The file cannot be read, is no report, or is one of another schema: the message names the file
/// and what is wrong with it.
pub fn read(path: &Path) -> Result<Report, UserError> {
    #[derive(Deserialize)]
    struct Schema {
        schema: u32,
    }
    let wrong = |what: String| UserError(format!("{}: {what}", path.display()));
    let text = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let no_report = |error| wrong(format!("no report of clearpage bench --json: {error}"));
    let Schema { schema } = serde_json::from_slice(&text).map_err(no_report)?;
    if schema != SCHEMA {
        return Err(wrong(format!(
            "a report of schema {schema}; clearpage {} reads schema {SCHEMA}",
            env!("CARGO_PKG_VERSION")
        )));
    }
    serde_json::from_slice(&text).map_err(no_report)
}
