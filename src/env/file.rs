//! Reads the file of a tuning without allocating: the call may come from inside an allocation.

use std::ffi::CStr;
use std::fmt;
use std::io;
use std::str;

use super::system::{File, map, unmap};

/// The largest size of a file, in bytes.
const MOST: usize = 64 << 10;

/// The reason why a file cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileError {
    /// The file is a device, a pipe, a socket or a directory; on Windows, where a directory cannot
    /// be opened, it is none on a disk.
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

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Self::System(error.kind())
    }
}

/// Reads the first bytes of a file and returns their number. Unlike `std::fs` it does not change errno
/// on most ISAs: POSIX requires of `free` that it does not.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn read_start(path: &CStr, room: &mut [u8]) -> Option<usize> {
    File::open(path).ok()??.read(room).ok()
}

/// Calls `with` on the text of a file and returns its result.
pub(crate) fn with_text<T>(path: &CStr, with: impl FnOnce(&str) -> T) -> Result<T, FileError> {
    let file = File::open(path)?.ok_or(FileError::NotRegular)?;
    let mut buffer = Buffer(map(Buffer::LEN)?);
    let room = buffer.bytes();
    let mut len = 0;
    while len <= MOST {
        match file.read(&mut room[len..])? {
            0 => break,
            n => len += n,
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
        // SAFETY: the mapping has this length, is zeroed by the system and is owned by `self`.
        unsafe { std::slice::from_raw_parts_mut(self.0, Self::LEN) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: `map` mapped this range, and no borrow outlives `self`.
        unsafe { unmap(self.0, Self::LEN) };
    }
}

// On other ISAs and systems rustix calls the C library.
#[cfg(all(
    test,
    target_os = "linux",
    any(
        target_arch = "x86",
        target_arch = "x86_64",
        target_arch = "arm",
        target_arch = "aarch64",
        target_arch = "riscv64",
    )
))]
mod tests {
    use super::*;

    #[test]
    fn errno_is_unchanged() {
        assert!(std::fs::File::open("/no such folder/file").is_err());
        let errno = io::Error::last_os_error().raw_os_error();
        assert_eq!(read_start(c"/proc/version/file", &mut [0; 9]), None);
        assert!(with_text(c"/proc/version/file", |_| ()).is_err());
        assert_eq!(io::Error::last_os_error().raw_os_error(), errno);
        // The control: std changes it.
        assert!(std::fs::File::open("/proc/version/file").is_err());
        assert_ne!(io::Error::last_os_error().raw_os_error(), errno);
    }
}
