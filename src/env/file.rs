//! Reads the file of a tuning without allocating: the call may come from inside an allocation.

use std::ffi::CStr;
use std::fmt;
use std::io;
use std::str;

use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::io::{Errno, read};
use rustix::mm::munmap;

use super::map;

/// The largest size of a file, in bytes.
const MOST: usize = 64 << 10;

/// The reason why a file cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileError {
    /// The file is a device, a pipe, a socket or a directory.
    NotRegular,
    /// The file is larger than 64 KiB.
    TooLong,
    /// The file is not UTF-8.
    NotText,
    /// The system returned an error of this kind.
    System(io::ErrorKind),
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRegular => f.write_str("not a regular file"),
            Self::TooLong => write!(f, "the file is longer than {} KiB", MOST >> 10),
            Self::NotText => f.write_str("the file is not text in UTF-8"),
            // The words of the system, which std could print only with an allocation.
            Self::System(io::ErrorKind::NotFound) => f.write_str("No such file or directory"),
            Self::System(io::ErrorKind::PermissionDenied) => f.write_str("Permission denied"),
            Self::System(kind) => kind.fmt(f),
        }
    }
}

impl std::error::Error for FileError {}

impl From<Errno> for FileError {
    fn from(errno: Errno) -> Self {
        Self::System(io::Error::from(errno).kind())
    }
}

/// Calls `with` on the text of a file and returns its result.
pub(crate) fn with_text<T>(path: &CStr, with: impl FnOnce(&str) -> T) -> Result<T, FileError> {
    // NONBLOCK: to open a FIFO would otherwise wait for its other end.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = open(path, flags, Mode::empty())?;
    if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
        return Err(FileError::NotRegular);
    }
    let mut buffer = Buffer(map(Buffer::LEN)?);
    let room = buffer.bytes();
    let mut len = 0;
    while len <= MOST {
        match read(&file, &mut room[len..]) {
            Ok(0) => break,
            Ok(n) => len += n,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if len > MOST {
        return Err(FileError::TooLong);
    }
    str::from_utf8(&room[..len]).map(with).map_err(|_| FileError::NotText)
}

/// Holds one byte more than [`MOST`].
struct Buffer(*mut u8);

impl Buffer {
    const LEN: usize = MOST + 1;

    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the mapping has this length, is zeroed by the kernel and is owned by `self`.
        unsafe { std::slice::from_raw_parts_mut(self.0, Self::LEN) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: `map` mapped this range, and no borrow outlives `self`. An error only leaks it.
        let _ = unsafe { munmap(self.0.cast(), Self::LEN) };
    }
}
