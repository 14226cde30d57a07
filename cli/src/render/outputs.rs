//! The output files of `render` and `bench`. If one cannot be opened, none is changed.

use std::path::PathBuf;

use clap::Args;

use super::{csv, html, svg};
use crate::UserError;
use crate::harness::output::Output;
use crate::harness::terminal::Plain;
use crate::report::Report;

#[derive(Debug, Args)]
pub struct Outputs {
    /// Write the figures to this file as comma-separated values, one row for each figure
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Write charts of throughput against size to this SVG file
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Write charts, heat maps and all figures to this HTML file
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// Renders a report as the text of a file.
type Drawing = fn(&Report) -> String;

impl Outputs {
    /// Opens every file before the report is measured or drawn.
    ///
    /// # Errors
    /// One cannot be written.
    pub fn open(&self) -> Result<Opened, UserError> {
        let wanted: [(&str, &Option<PathBuf>, Drawing); 3] = [
            ("--csv", &self.csv, csv::csv),
            ("--svg", &self.svg, svg::svg),
            ("--html", &self.html, html::html),
        ];
        let named = wanted.into_iter().filter_map(|(option, path, drawing)| {
            path.as_deref().map(|path| Output::open(option, path).map(|file| (file, drawing)))
        });
        Ok(Opened(named.collect::<Result<_, _>>()?))
    }
}

/// Open output files.
pub struct Opened(Vec<(Output, Drawing)>);

impl Opened {
    /// Writes every file and prints its path.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(self, report: &Report) -> Result<(), UserError> {
        for (file, drawing) in self.0 {
            let path = file.write(&drawing(report))?;
            eprintln!("written: {}", Plain(path.display()));
        }
        Ok(())
    }
}
