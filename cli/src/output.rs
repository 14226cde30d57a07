//! Files that are written at the end and opened at the beginning: nobody waits a minute to hear
//! that a path is wrong.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::UserError;

/// A file that can be written. What it held stays until there is something better; one that was
/// made and never written goes again.
#[derive(Debug)]
pub struct Output {
    option: &'static str,
    path: PathBuf,
    file: File,
    /// Made here, and empty as yet.
    new: bool,
}

impl Output {
    /// Opens the file that `option`, such as `--json`, names.
    ///
    /// # Errors
    /// It cannot be written; the message begins with the option and the path.
    pub fn open(option: &'static str, path: &Path) -> Result<Self, UserError> {
        let mut options = OpenOptions::new();
        options.write(true);
        let (file, new) = match options.clone().create_new(true).open(path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                (options.create(true).open(path), false)
            }
            other => (other, true),
        };
        let file = file.map_err(|error| wrong(option, path, &error))?;
        Ok(Self { option, path: path.to_owned(), file, new })
    }

    /// Makes `text` what the file holds, and tells its path.
    ///
    /// # Errors
    /// The system refuses: the disk is full.
    pub fn write(mut self, text: &str) -> Result<PathBuf, UserError> {
        let error = |error| wrong(self.option, &self.path, &error);
        // A pipe or a terminal has no length.
        if self.file.metadata().map_err(error)?.is_file() {
            self.file.set_len(0).map_err(error)?;
        }
        self.file.write_all(text.as_bytes()).map_err(error)?;
        self.new = false;
        Ok(std::mem::take(&mut self.path))
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if self.new {
            // Where that fails an empty file stays, which says the same.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn wrong(option: &str, path: &Path, error: &std::io::Error) -> UserError {
    UserError(format!("{option} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("clearpage-output-{name}-{}", std::process::id()))
    }

    #[test]
    fn what_is_not_written_leaves_nothing_and_changes_nothing() {
        let path = path("kept");
        drop(Output::open("--json", &path).unwrap());
        assert!(!path.exists());
        fs::write(&path, "longer than the new").unwrap();
        drop(Output::open("--json", &path).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "longer than the new");
        let written = Output::open("--json", &path).unwrap().write("new").unwrap();
        assert_eq!(written, path);
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_wrong_path_is_named_with_its_option() {
        let error = Output::open("--csv", Path::new("/nonexistent/x")).unwrap_err();
        assert!(error.to_string().starts_with("--csv /nonexistent/x: "), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn what_has_no_length_is_written_all_the_same() {
        Output::open("--json", Path::new("/dev/null")).unwrap().write("text").unwrap();
    }
}
