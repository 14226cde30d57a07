//! The files that pictures are written to: all of them can be opened, or none is touched.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{csv, html, svg};
use crate::UserError;
use crate::report::Report;
use crate::terminal::Plain;

/// Where pictures of a report go.
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
    pub fn open(&self) -> Result<Opened<'_>, UserError> {
        let wanted: [(&str, &Option<PathBuf>, Drawing); 3] = [
            ("--csv ", &self.csv, csv::csv),
            ("--svg ", &self.svg, svg::svg),
            ("--html ", &self.html, html::html),
        ];
        let named = wanted.into_iter().filter_map(|(option, path, drawing)| {
            path.as_deref().map(|path| Output::open(option, path).map(|file| (file, drawing)))
        });
        Ok(Opened(named.collect::<Result<_, _>>()?))
    }
}

/// Files that wait for a report.
pub struct Opened<'a>(Vec<(Output<'a>, Drawing)>);

impl Opened<'_> {
    /// Writes each, and says so.
    ///
    /// # Errors
    /// The system does not take it all.
    pub fn write(self, report: &Report) -> Result<(), UserError> {
        for (file, drawing) in self.0 {
            file.write(&drawing(report))?;
        }
        Ok(())
    }
}

/// A file that can be written, which stays as it was until then.
pub struct Output<'a> {
    option: &'static str,
    path: &'a Path,
    file: File,
    /// It was not there before, and is empty still.
    fresh: bool,
}

impl<'a> Output<'a> {
    /// Opens it, or makes it; `option` stands before its name in messages.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn open(option: &'static str, path: &'a Path) -> Result<Self, UserError> {
        let with = |new| OpenOptions::new().write(true).create_new(new).open(path);
        let (file, fresh) = match with(true) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (with(false), false),
            file => (file, true),
        };
        let file =
            file.map_err(|error| UserError(format!("{option}{}: {error}", path.display())))?;
        Ok(Self { option, path, file, fresh })
    }

    /// Replaces what it holds, and says so.
    ///
    /// # Errors
    /// The system does not take it all.
    pub fn write(mut self, text: &str) -> Result<(), UserError> {
        let mut write = || {
            self.fresh = false;
            // A pipe has no length.
            if self.file.metadata()?.is_file() {
                self.file.set_len(0)?;
            }
            self.file.write_all(text.as_bytes())
        };
        write().map_err(|error| {
            UserError(format!("{}{}: {error}", self.option, self.path.display()))
        })?;
        eprintln!("written: {}", Plain(self.path.display()));
        Ok(())
    }
}

impl Drop for Output<'_> {
    fn drop(&mut self) {
        if self.fresh {
            // If it cannot be removed, an empty file stays.
            let _ = std::fs::remove_file(self.path);
        }
    }
}
