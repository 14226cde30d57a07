//! The environment, files and standard error of Unix.

use std::ffi::{CStr, c_char, c_int};
use std::io;
use std::ptr::{self, NonNull};

use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::io::{Errno, read, write};
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// Maps zeroed memory.
pub(super) fn map(len: usize) -> io::Result<*mut u8> {
    let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
    // SAFETY: without an address and FIXED, the kernel maps unused address space.
    let mapped = unsafe { mmap_anonymous(ptr::null_mut(), len, access, flags) };
    Ok(mapped.map(<*mut _>::cast)?)
}

/// Unmaps memory. An error only leaks it.
///
/// # Safety
/// `map` returned `start` for `len`, and nothing refers to the memory.
pub(super) unsafe fn unmap(start: *mut u8, len: usize) {
    // SAFETY: the caller's promise.
    let _ = unsafe { munmap(start.cast(), len) };
}

/// Calls getenv(3), which does not take the lock of `std::env`: the thread that holds it may be
/// waiting for this call. It does take the lock of the C library, if that has one.
pub(super) fn variable(name: &CStr) -> Option<&'static CStr> {
    unsafe extern "C" {
        fn getenv(name: *const c_char) -> *const c_char;
    }
    // SAFETY: the name ends with 0. The value is valid until the environment changes, and it is
    // read at program start, before there are threads. If the first call comes earlier or this
    // library is loaded later, a concurrent `setenv` is the race that all C code has with getenv.
    let value = unsafe { NonNull::new(getenv(name.as_ptr()).cast_mut())? };
    // SAFETY: getenv returned a string that ends with 0 and is valid as above.
    Some(unsafe { CStr::from_ptr(value.as_ptr()) })
}

/// An open regular file.
pub(super) struct File(OwnedFd);

impl File {
    /// Opens a file; returns `None` if it is not a regular one.
    pub(super) fn open(path: &CStr) -> io::Result<Option<Self>> {
        // NONBLOCK: to open a FIFO would otherwise wait for its other end.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = open(path, flags, Mode::empty())?;
        let kind = FileType::from_raw_mode(fstat(&file)?.st_mode);
        Ok((kind == FileType::RegularFile).then_some(Self(file)))
    }

    /// Reads some bytes; returns 0 at the end of the file.
    pub(super) fn read(&self, room: &mut [u8]) -> io::Result<usize> {
        loop {
            match read(&self.0, &mut *room) {
                Err(Errno::INTR) => {}
                result => return Ok(result?),
            }
        }
    }
}

/// Writes some of `text` to standard error; returns the number of bytes, or 0 after an error.
pub(super) fn write_to_stderr(text: &[u8]) -> usize {
    // SAFETY: 2 is standard error by convention. If it is closed, the write fails; if it is
    // another file by now, C programs would write to that file too.
    write(unsafe { BorrowedFd::borrow_raw(2) }, text).unwrap_or(0)
}

/// Ends the process without exit handlers.
pub(super) fn exit(code: u8) -> ! {
    unsafe extern "C" {
        safe fn _exit(code: c_int) -> !;
    }
    _exit(code.into())
}
