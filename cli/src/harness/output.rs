//! What a command writes: its files, as a whole and first, then the text for the user.
//!
//! Every path is checked before anything is measured. A regular file is replaced: the new one is
//! written beside it under a temporary name, and renamed. Until then the old file is unchanged.
//! Neither an error nor a signal that can be caught leaves the temporary file behind. The new file
//! has the mode and, if the system permits it, the owner of the old one. Symbolic links are refused,
//! because other users may own the folder.
//!
//! Files that cannot be replaced are written in place, after all others: character devices, named
//! pipes, and open files of this process, such as the `/dev/fd/63` of a shell's `>(command)`. `-`
//! and `/dev/stdout` are standard output; the text then goes to standard error.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::interrupt::deferred;
use super::terminal::Plain;
use crate::UserError;

/// The files that a command was asked to write, each with the source of its contents.
pub struct Outputs<T>(Vec<Output<T>>);

struct Output<T> {
    /// The option and the path, for messages.
    name: String,
    path: PathBuf,
    /// The open file, if it is written in place.
    stream: Option<Box<dyn Write>>,
    source: T,
}

impl<T> Outputs<T> {
    /// Checks every path. An item is an option such as `--json`, its path, and the source.
    ///
    /// # Errors
    /// A path cannot be written, or names the same file as another one or as `input`.
    pub fn open<'a>(
        wanted: impl IntoIterator<Item = (&'a str, &'a Path, T)>,
        input: Option<&Path>,
    ) -> Result<Self, UserError> {
        let outputs = wanted.into_iter().map(|(option, path, source)| {
            let name = format!("{option} {}", path.display());
            let path = if path == Path::new("-") { Path::new("/dev/stdout") } else { path };
            Output::open(name, path, source, true)
        });
        let outputs: Vec<_> = outputs.collect::<Result<_, _>>()?;
        let input = input.and_then(identity);
        for (i, output) in outputs.iter().enumerate() {
            let this = identity(&output.path);
            let twin = outputs[..i].iter().find(|other| identity(&other.path) == this);
            if let Some(twin) = twin {
                let name = &output.name;
                return Err(UserError(format!("{name}: {} is the same file", twin.name)));
            }
            if input.is_some() && input == this {
                let name = &output.name;
                return Err(UserError(format!("{name}: the input, which would be overwritten")));
            }
        }
        Ok(Self(outputs))
    }

    /// Checks paths that no option names and that may only be regular files.
    ///
    /// # Errors
    /// A path cannot be written, or is something else.
    pub fn regular(wanted: impl IntoIterator<Item = (PathBuf, T)>) -> Result<Self, UserError> {
        let open = |(path, source): (PathBuf, T)| {
            Output::open(path.display().to_string(), &path, source, false)
        };
        wanted.into_iter().map(open).collect::<Result<_, _>>().map(Self)
    }

    /// Returns whether standard output is one of the files.
    pub fn take_stdout(&self) -> bool {
        self.0.iter().any(|output| descriptor(&output.path) == Some(STDOUT))
    }

    /// Writes every file, then prints `text`, then the paths of the files.
    ///
    /// # Errors
    /// Files or the text cannot be written. All others are.
    pub fn finish(self, contents: impl Fn(T) -> String, text: &str) -> Result<(), UserError> {
        let taken = self.take_stdout();
        // The reader of a pipe may close it, which ends the process.
        let (streams, files): (Vec<_>, Vec<_>) =
            self.0.into_iter().partition(|output| output.stream.is_some());
        let (mut errors, mut written) = (Vec::new(), Vec::new());
        for Output { name, path, stream, source } in files.into_iter().chain(streams) {
            let contents = contents(source);
            let result = match stream {
                Some(mut stream) => write(&mut stream, &contents),
                None => replace(&path, contents.as_bytes()),
            };
            match result {
                Ok(()) => written.push(path),
                Err(error) => errors.push(format!("{name}: {error}")),
            }
        }
        match taken {
            true => text.lines().for_each(|line| note(&line)),
            false => errors.extend(print(text).err().map(|error| error.0)),
        }
        for path in written.iter().filter(|path| descriptor(path).is_none()) {
            note(&format_args!("written: {}", Plain(path.display())));
        }
        if errors.is_empty() { Ok(()) } else { Err(UserError(errors.join("; "))) }
    }
}

impl<T> Output<T> {
    fn open(name: String, path: &Path, source: T, in_place: bool) -> Result<Self, UserError> {
        match stream(path, in_place) {
            Ok(stream) => Ok(Self { name, path: path.to_owned(), stream, source }),
            Err(error) => Err(UserError(format!("{name}: {error}"))),
        }
    }
}

/// Prints `text` on standard output.
///
/// # Errors
/// Standard output cannot be written.
pub fn print(text: &str) -> Result<(), UserError> {
    let written = open_descriptor(STDOUT).and_then(|mut file| write(&mut file, text));
    written.map_err(|error| UserError(format!("standard output: {error}")))
}

fn write(stream: &mut dyn Write, text: &str) -> io::Result<()> {
    stream.write_all(text.as_bytes())?;
    stream.flush()
}

/// Prints a line on standard error, if that can be written.
pub fn note(line: &dyn std::fmt::Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

const STDOUT: u32 = 1;

/// Returns the number of the open file of this process that `path` names: `/dev/stdin`, or the
/// `/dev/fd/63` of a shell's `<(command)`. Only these links are followed when they are written, and
/// only these pipes are read.
pub(crate) fn descriptor(path: &Path) -> Option<u32> {
    match path.to_str()? {
        "/dev/stdin" => Some(0),
        "/dev/stdout" => Some(STDOUT),
        "/dev/stderr" => Some(2),
        text => {
            let number = text.strip_prefix("/dev/fd/").or(text.strip_prefix("/proc/self/fd/"))?;
            number.parse().ok()
        }
    }
}

/// Opens a descriptor. Standard output and error share their offset with all that is printed.
fn open_descriptor(number: u32) -> io::Result<Box<dyn Write>> {
    // Not by the handles of std, which ignore that a descriptor cannot be written.
    #[cfg(unix)]
    let file = {
        use std::os::fd::AsFd;
        match number {
            STDOUT => io::stdout().as_fd().try_clone_to_owned().map(File::from),
            2 => io::stderr().as_fd().try_clone_to_owned().map(File::from),
            _ => OpenOptions::new().append(true).open(format!("/dev/fd/{number}")),
        }
    };
    #[cfg(not(unix))]
    let file = match number {
        STDOUT => Ok(io::stdout()),
        _ => Err(io::Error::from(ErrorKind::NotFound)),
    };
    Ok(Box::new(file?))
}

/// Returns the same path for all paths of a file that exists or can be created.
fn identity(path: &Path) -> Option<PathBuf> {
    if let Some(number) = descriptor(path) {
        return Some(format!("/dev/fd/{number}").into());
    }
    let new = || Some(folder(path).canonicalize().ok()?.join(path.file_name()?));
    path.canonicalize().ok().or_else(new)
}

fn refused<T>(what: &str) -> io::Result<T> {
    Err(io::Error::other(what))
}

/// Checks that `path` can be written, and opens it if it is written `in_place`.
fn stream(path: &Path, in_place: bool) -> io::Result<Option<Box<dyn Write>>> {
    if let Some(number) = descriptor(path) {
        return open_descriptor(number).map(Some);
    }
    let kind = match fs::symlink_metadata(path) {
        Ok(found) => found.file_type(),
        Err(error) if error.kind() == ErrorKind::NotFound => return probe(path).map(|()| None),
        Err(error) => return Err(error),
    };
    if kind.is_symlink() {
        return refused(
            "a symbolic link, which is not followed; allowed are files, pipes and devices",
        );
    }
    if kind.is_file() || kind.is_dir() {
        return probe(path).map(|()| None);
    }
    if !in_place {
        return refused("not a regular file");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if !kind.is_fifo() && !kind.is_char_device() {
            return refused("a block device or a socket; allowed are files, pipes and devices");
        }
    }
    let file = open(path)?;
    // Another process may have replaced it since.
    match file.metadata()?.is_file() {
        true => refused("was replaced by a regular file"),
        false => Ok(Some(Box::new(file))),
    }
}

/// Opens a file that exists, without a change. A file without write permission is refused, although
/// its folder may permit to replace it.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NOCTTY);
    }
    options.write(true).open(path)
}

/// Checks that `path` can be replaced or created, with a file that has no name.
fn probe(path: &Path) -> io::Result<()> {
    match open(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        // The error of a folder that exists.
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
    // Some file systems report a full disk only here.
    file.as_file().sync_all()?;
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
