//! Draws a report. Every function turns a [`Report`](crate::report::Report) into text and has no
//! other effect, except [`run`], [`gallery::run`] and [`Outputs`].
//!
//! `group` selects the cells of a picture; `text` escapes text for a browser;
//! `chart`, `bars` and `heatmap` draw one picture; `svg`, `html` and `gallery` put them together.
//! The plotters crate is not used: it has no CSS classes (for dark mode), dash patterns or titles.

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
    /// A report that `clearpage bench --json` wrote
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
