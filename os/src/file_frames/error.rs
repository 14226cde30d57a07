//! Reports why frames of a file cannot be accessed.

use std::{fmt, io};

use rustix::io::Errno;

use clearpage::highmem::{Frame, FrameRange};
use clearpage::{PAGE_SHIFT, PAGE_SIZE};

/// The reason why frames of a file cannot be accessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileError {
    /// The frame is past the end of the file, at least in part.
    PastEnd {
        /// The frame that is not wholly in the file.
        frame: Frame,
        /// Length of the file in bytes.
        len: u64,
    },
    /// The system refused. Unless the descriptor is at fault, `raw_os_error` is one of these:
    /// - `EFAULT` of `madvise`: a touch would have raised `SIGBUS`, because the file system is full
    ///   or no huge page is free. `EHWPOISON`: the same, because the memory is broken.
    /// - `ENOMEM` of `mmap`: the address space has no room for the window, or no huge page is free.
    ///   `ENOMEM` of `madvise`: no memory is available.
    /// - `ENOSPC` of `pwritev`: the file system is full.
    /// - `EPERM`: the file is sealed (`F_SEAL_WRITE`).
    /// - `EOPNOTSUPP` of `fallocate`: the file system does not support holes.
    System {
        /// The system call, by the name of its manual page.
        call: &'static str,
        /// The error number that it returned.
        raw_os_error: i32,
    },
}

impl FileError {
    pub(super) fn system(call: &'static str) -> impl Fn(Errno) -> Self {
        move |errno| Self::System { call, raw_os_error: errno.raw_os_error() }
    }

    /// Returns the system's error number, if the system refused.
    pub fn raw_os_error(&self) -> Option<i32> {
        match *self {
            Self::PastEnd { .. } => None,
            Self::System { raw_os_error, .. } => Some(raw_os_error),
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::PastEnd { frame, len } => {
                let end = u128::from(frame.address()) + PAGE_SIZE as u128;
                write!(f, "{frame} ends at byte {end}, the file at {len}")
            }
            Self::System { call, raw_os_error } => {
                write!(f, "{call}: {}", io::Error::from_raw_os_error(raw_os_error))
            }
        }
    }
}

impl std::error::Error for FileError {}

impl From<FileError> for io::Error {
    fn from(error: FileError) -> Self {
        let kind = match error.raw_os_error() {
            None => io::ErrorKind::UnexpectedEof,
            Some(errno) => Self::from_raw_os_error(errno).kind(),
        };
        Self::new(kind, error)
    }
}

/// Returns the leading `frames` that are wholly in a file of `len` bytes: at least one.
pub(super) fn inside(frames: FrameRange, len: u64) -> Result<FrameRange, FileError> {
    let frame = frames.start();
    match (len >> PAGE_SHIFT).checked_sub(frame.get()) {
        Some(npages @ 1..) => Ok(frames.split_at(npages).0),
        _ => Err(FileError::PastEnd { frame, len }),
    }
}

/// The result of zeroing frames: an error has the number of leading frames that are zeroed.
pub(super) type Partial<T = ()> = Result<T, (u64, FileError)>;

/// Adds `done` frames, zeroed before the failed part, to the error of that part.
pub(super) fn after(done: u64) -> impl Fn((u64, FileError)) -> (u64, FileError) {
    move |(zeroed, error)| (done + zeroed, error)
}
