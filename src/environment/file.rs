//! The file of a tuning, read without allocating: the call may come from inside an allocation.

use std::ffi::CStr;
use std::fmt;
use std::io;
use std::ptr;
use std::str;

use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::io::{Errno, read};
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// The most bytes that a file may have.
const MOST: usize = 64 << 10;

/// Why a file cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileError {
    /// It is a device, a pipe, a socket or a folder.
    NotRegular,
    /// It has more than 64 KiB.
    TooLong,
    /// Its bytes are not UTF-8.
    NotText,
    /// What the system said.
    System(io::ErrorKind),
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRegular => f.write_str("not a regular file"),
            Self::TooLong => write!(f, "the file is longer than {} KiB", MOST >> 10),
            Self::NotText => f.write_str("the file is not text in UTF-8"),
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

/// Calls `with` with the text of a file.
pub(crate) fn with_text<T>(path: &CStr, with: impl FnOnce(&str) -> T) -> Result<T, FileError> {
    // A pipe is opened without waiting for its other end.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = open(path, flags, Mode::empty())?;
    if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
        return Err(FileError::NotRegular);
    }
    let mut buffer = Buffer::new()?;
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

/// Room for one byte more than [`MOST`], from the system: the stack may be short, and the allocator
/// may be what is calling.
struct Buffer(*mut u8);

impl Buffer {
    const LEN: usize = MOST + 1;

    fn new() -> Result<Self, Errno> {
        let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        // SAFETY: where there is room.
        unsafe { mmap_anonymous(ptr::null_mut(), Self::LEN, access, flags) }
            .map(|memory| Self(memory.cast()))
    }

    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the mapping, which is this value's alone and initialised.
        unsafe { std::slice::from_raw_parts_mut(self.0, Self::LEN) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: mapped in `new`; nobody borrows it any more. If it fails the memory stays.
        let _ = unsafe { munmap(self.0.cast(), Self::LEN) };
    }
}
