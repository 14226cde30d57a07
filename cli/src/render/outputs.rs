//! The files that pictures are written to: all of them can be opened, or none is touched.

use std::path::PathBuf;

use clap::Args;

use super::{csv, html, svg};
use crate::UserError;
use crate::harness::output::Output;
use crate::harness::terminal::Plain;
use crate::report::Report;

#[derive(Debug, Args)]
pub struct Outputs {
    /// Write the figures to this file as comma-separated values, a row a figure
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Write charts of throughput against size to this file
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Write a page to this file: charts, heat maps and all figures
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// What a report becomes in one file.
type Drawing = fn(&Report) -> String;

impl Outputs {
    /// Opens every file, so that nothing is measured or drawn in vain.
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

/// Files that wait for a report.
pub struct Opened(Vec<(Output, Drawing)>);

impl Opened {
    /// Writes each, and says so.
    ///
    /// # Errors
    /// The system does not take it all.
    pub fn write(self, report: &Report) -> Result<(), UserError> {
        for (file, drawing) in self.0 {
            let path = file.write(&drawing(report))?;
            eprintln!("written: {}", Plain(path.display()));
        }
        Ok(())
    }
}
