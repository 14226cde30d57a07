//! Pictures of a report, whoever made it: every function here turns a
//! [`Report`](crate::report::Report) into text and does
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

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use crate::UserError;
use crate::load::load;
use outputs::Outputs;

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("output").required(true).multiple(true).args(["csv", "svg", "html"])))]
pub struct Render {
    /// What `clearpage bench --json` wrote, here or elsewhere
    #[arg(value_name = "FILE.json")]
    pub report: PathBuf,
    #[command(flatten)]
    pub outputs: Outputs,
}

/// Draws the report of a file.
///
/// # Errors
/// The file is no report that this tool reads, or an output cannot be written.
pub fn run(args: &Render) -> Result<(), UserError> {
    let report = load(&args.report)?;
    args.outputs.open()?.write(&report)
}
