//! Reads untrusted files up to a limit, and never waits for a writer.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::Read;
use std::path::Path;

use crate::harness::output::descriptor;
use crate::harness::units::format_size;

/// Reads a regular file, or a pipe that is already open (`/dev/stdin`, `<(command)`), of at most
/// `most` bytes.
///
/// # Errors
/// The file cannot be read, is longer, or is of another type, such as a folder, a device or a named
/// pipe. A file that is longer is not read.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let long = |length: String| format!("{length} bytes long, allowed are {}", format_size(most));
    let check = |file: &Metadata| match file.is_file() {
        true if file.len() > most => Err(long(file.len().to_string())),
        false if file.is_dir() => Err("a folder, allowed are regular files".to_owned()),
        false if descriptor(path).is_none() => {
            Err("a device, a socket or a named pipe, allowed are regular files".to_owned())
        }
        _ => Ok(()),
    };
    // Opening a device or a named pipe may block, or do something.
    check(&fs::metadata(path).map_err(|error| error.to_string())?)?;
    let file = open(path).map_err(|error| error.to_string())?;
    check(&file.metadata().map_err(|error| error.to_string())?)?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > most { Err(long(format!("more than {most}"))) } else { Ok(bytes) }
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    if descriptor(path).is_none() {
        use std::os::unix::fs::OpenOptionsExt;
        // It may no longer be the file that was looked at.
        options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    }
    options.read(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, [7; 1024]).unwrap();
        assert_eq!(read(&path, 1024).unwrap(), [7; 1024]);
        fs::write(&path, [7; 1025]).unwrap();
        assert_eq!(read(&path, 1024).unwrap_err(), "1025 bytes long, allowed are 1 KiB");
        assert!(read(folder.path(), 1024).unwrap_err().contains("folder"));
    }

    /// Such a file has a length of 0.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_of_unknown_length_is_read_up_to_the_limit() {
        let path = Path::new("/proc/self/maps");
        assert!(read(path, 1 << 20).is_ok_and(|text| text.len() > 100));
        assert_eq!(read(path, 100).unwrap_err(), "more than 100 bytes long, allowed are 100 B");
    }
}
