//! Files that are written at the end and opened at the beginning: nobody waits a minute to hear
//! that a path is wrong.
//!
//! A regular file is replaced as a whole: the new one is written beside it under a temporary name
//! and renamed. Until then, and if that fails, the old one is unchanged; neither an error nor Ctrl-C
//! leaves the temporary one behind. The new file has the mode and, if the system permits it, the
//! owner of the old one. Symbolic links are not followed but refused: a folder may be a stranger's.
//!
//! What cannot be replaced is written in place: a character device, a named pipe, and an open file
//! of this process, such as `/dev/stdout` or the `/dev/fd/63` of a shell's `>(command)`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::UserError;
use crate::files::is_descriptor;
use crate::harness::interrupt::deferred;

/// A file that can be written, and is unchanged until then.
#[derive(Debug)]
pub struct Output {
    /// In messages: the option and the path.
    name: String,
    path: PathBuf,
    /// Open if it is written in place.
    stream: Option<File>,
}

impl Output {
    /// Opens what `option`, such as `--json`, names.
    ///
    /// # Errors
    /// It cannot be written; the message begins with the option and the path.
    pub fn open(option: &str, path: &Path) -> Result<Self, UserError> {
        Self::checked(format!("{option} {}", path.display()), path, true)
    }

    /// The same of a path that no option names, and that may only be a regular file.
    ///
    /// # Errors
    /// It cannot be written, or is something else; the message begins with the path.
    pub fn regular(path: &Path) -> Result<Self, UserError> {
        Self::checked(path.display().to_string(), path, false)
    }

    fn checked(name: String, path: &Path, in_place: bool) -> Result<Self, UserError> {
        let stream = match is_stream(path) {
            Ok(true) if !in_place => refused("not a regular file"),
            Ok(true) => stream(path).map(Some),
            Ok(false) => probe(path).map(|()| None),
            Err(error) => Err(error),
        };
        match stream {
            Ok(stream) => Ok(Self { name, path: path.to_owned(), stream }),
            Err(error) => Err(UserError(format!("{name}: {error}"))),
        }
    }

    /// Makes `text` what the file holds, and returns its path.
    ///
    /// # Errors
    /// The system refuses: the disk is full.
    pub fn write(self, text: &str) -> Result<PathBuf, UserError> {
        let written = match self.stream {
            Some(mut stream) => stream.write_all(text.as_bytes()),
            None => replace(&self.path, text.as_bytes()),
        };
        written.map_err(|error| UserError(format!("{}: {error}", self.name)))?;
        Ok(self.path)
    }
}

fn refused<T>(what: &str) -> io::Result<T> {
    Err(io::Error::other(what))
}

/// Whether `path` is written in place; an error if it is not written at all.
fn is_stream(path: &Path) -> io::Result<bool> {
    if is_descriptor(path) {
        return Ok(true);
    }
    let kind = match fs::symlink_metadata(path) {
        Ok(found) => found.file_type(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if kind.is_symlink() {
        return refused(
            "a symbolic link, which is not followed; allowed are files, pipes and devices",
        );
    }
    if kind.is_file() || kind.is_dir() {
        return Ok(false);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if !kind.is_fifo() && !kind.is_char_device() {
            return refused("a block device or a socket; allowed are files, pipes and devices");
        }
    }
    Ok(true)
}

/// Opens what is written in place.
fn stream(path: &Path) -> io::Result<File> {
    if is_descriptor(path) {
        return descriptor(path);
    }
    let file = open(path)?;
    // It may no longer be what was looked at.
    if file.metadata()?.is_file() { refused("was replaced by a regular file") } else { Ok(file) }
}

/// Opens what exists, and leaves it as it is. A file without write permission is refused, although
/// the folder would permit to replace it.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NOCTTY);
    }
    options.write(true).open(path)
}

/// Standard output and error share their place in the file with all else that is printed.
fn descriptor(path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        let shared = match path.to_str() {
            Some("/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1") => {
                Some(io::stdout().as_fd().try_clone_to_owned())
            }
            Some("/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2") => {
                Some(io::stderr().as_fd().try_clone_to_owned())
            }
            _ => None,
        };
        if let Some(shared) = shared {
            return shared.map(File::from);
        }
    }
    OpenOptions::new().append(true).open(path)
}

/// Whether `path` can be replaced or made: tried by a file without a name, so that none is left
/// behind.
fn probe(path: &Path) -> io::Result<()> {
    match open(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        // As the system says of a folder that exists.
        Err(_) if path.as_os_str().as_encoded_bytes().ends_with(b"/") => {
            return Err(ErrorKind::IsADirectory.into());
        }
        _ => {}
    }
    tempfile::tempfile_in(folder(path)).map(drop).map_err(|error| {
        let what = "a file cannot be made in its folder";
        io::Error::new(error.kind(), format!("{what}: {error}"))
    })
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let _deferred = deferred();
    let mut builder = tempfile::Builder::new();
    builder.prefix(".clearpage-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Less the umask, as of any new file.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder(path))?;
    file.write_all(bytes)?;
    #[cfg(unix)]
    if let Some(old) = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file) {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
        // Only the superuser can give a file away.
        let _ = fchown(file.as_file(), Some(old.uid()), Some(old.gid()));
        let mode = fs::Permissions::from_mode(old.mode() & 0o777);
        file.as_file().set_permissions(mode)?;
    }
    file.persist(path)?;
    Ok(())
}
