//! Draws a report. Every function turns a [`Report`](crate::report::Report) into text and has no
//! other effect, except [`run`] and [`gallery::run`].
//!
//! `report::group` selects the cells of a picture; `text` escapes text for a browser; `family` decides
//! how a contender is drawn, and `plot` draws lines. `times`, `chart`, `bars` and `heatmap` are one picture
//! each; `svg`, `html` and `gallery` put them together.
//! The plotters crate is not used: it has no CSS classes (for dark mode), dash patterns or titles.

mod bars;
mod chart;
pub mod csv;
mod family;
mod figures;
pub mod gallery;
mod heatmap;
pub mod html;
mod legend;
mod machine;
mod overview;
mod picture;
mod plan;
mod plot;
mod scale;
mod summary;
pub mod svg;
mod text;
mod times;
mod verdict;

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};

use crate::UserError;
use crate::harness::output::Outputs;
use crate::report::Report;
use crate::report::load::load;

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("output").required(true).multiple(true).args(["csv", "svg", "html"])))]
pub struct Render {
    /// A report that `clearpage bench --json` wrote
    #[arg(value_name = "FILE.json")]
    pub report: PathBuf,
    #[command(flatten)]
    pub drawings: Drawings,
}

/// The drawings of `render` and `bench`.
#[derive(Debug, Default, Args)]
pub struct Drawings {
    /// Write the figures to this file as comma-separated values, one row for each figure
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Write charts to this SVG file: times as fast as memset, and throughput against size
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Write charts, heat maps and all figures to this HTML file
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// Turns a report into the contents of a file.
pub type Drawing = fn(&Report) -> String;

impl Drawings {
    /// Returns the option, the path and the contents of each wanted file.
    pub fn wanted(&self) -> impl Iterator<Item = (&str, &Path, Drawing)> {
        let all: [(_, _, Drawing); 3] = [
            ("--csv", &self.csv, csv::csv),
            ("--svg", &self.svg, svg::svg),
            ("--html", &self.html, html::html),
        ];
        all.into_iter()
            .filter_map(|(option, path, drawing)| Some((option, path.as_deref()?, drawing)))
    }
}

/// Draws the report of a file.
///
/// # Errors
/// The file is no report that this tool reads, or an output cannot be written.
pub fn run(args: &Render) -> Result<(), UserError> {
    let report = load(&args.report)?;
    let outputs = Outputs::open(args.drawings.wanted(), Some(&args.report))?;
    outputs.finish(|drawing| drawing(&report), "")
}
