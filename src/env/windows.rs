//! The environment, files and standard error of Windows. None of these functions allocates from a
//! heap.

use std::ffi::CStr;
use std::io;
use std::ptr::{null, null_mut};
use std::slice;

use windows_sys::Win32::Foundation::{CloseHandle, GENERIC_READ, HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::Storage::FileSystem::{
    CreateFileW, FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE, FILE_TYPE_DISK, GetFileType,
    OPEN_EXISTING, ReadFile, WriteFile,
};
use windows_sys::Win32::System::Console::{GetStdHandle, STD_ERROR_HANDLE};
use windows_sys::Win32::System::Environment::GetEnvironmentVariableW;
use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEM_RELEASE, MEM_RESERVE, PAGE_READWRITE, VirtualAlloc, VirtualFree,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, TerminateProcess};

/// Maps zeroed memory.
pub(super) fn map(len: usize) -> io::Result<*mut u8> {
    // SAFETY: without an address, the system allocates unused address space.
    let start = unsafe { VirtualAlloc(null(), len, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE) };
    if start.is_null() { Err(io::Error::last_os_error()) } else { Ok(start.cast()) }
}

/// Unmaps memory. An error only leaks it.
///
/// # Safety
/// `map` returned `start` for `len`, and nothing refers to the memory.
pub(super) unsafe fn unmap(start: *mut u8, _len: usize) {
    // SAFETY: the caller's promise.
    unsafe { VirtualFree(start.cast(), 0, MEM_RELEASE) };
}

/// Maps memory for `len` units of UTF-16.
fn units(len: usize) -> io::Result<&'static mut [u16]> {
    let start = map(len * size_of::<u16>())?;
    // SAFETY: the mapping is aligned, zeroed, and has this length.
    Ok(unsafe { slice::from_raw_parts_mut(start.cast(), len) })
}

/// Returns a variable in UTF-8, in memory that is never freed. Unpaired surrogates become U+FFFD.
pub(super) fn variable(name: &CStr) -> Option<&'static CStr> {
    /// Longer than each name, with its 0.
    const LONGEST: usize = 32;
    let mut wide = [0; LONGEST];
    for (unit, &byte) in wide[..LONGEST - 1].iter_mut().zip(name.to_bytes()) {
        *unit = byte.into();
    }
    // SAFETY: the name ends with 0. Without room, the call returns the length of the value with
    // its 0, or 0 if there is no such variable.
    let len = unsafe { GetEnvironmentVariableW(wide.as_ptr(), null_mut(), 0) };
    if len == 0 {
        return None;
    }
    let value = units(len as usize).ok()?;
    // SAFETY: there is room for `len` units.
    let read = unsafe { GetEnvironmentVariableW(wide.as_ptr(), value.as_mut_ptr(), len) } as usize;
    // Longer now: another thread has changed it meanwhile.
    let text = value.get(..read)?;
    // A unit is at most three bytes.
    let bytes = map(3 * len as usize).ok()?;
    let mut end = 0;
    for c in char::decode_utf16(text.iter().copied()) {
        let mut utf8 = [0; 4];
        let utf8 = c.unwrap_or(char::REPLACEMENT_CHARACTER).encode_utf8(&mut utf8).as_bytes();
        // SAFETY: the mapping has room for every character and a 0.
        unsafe { bytes.wrapping_add(end).copy_from_nonoverlapping(utf8.as_ptr(), utf8.len()) };
        end += utf8.len();
    }
    // SAFETY: this is all of a mapping of `units`, and nothing refers to it any more.
    unsafe { unmap(value.as_mut_ptr().cast(), size_of_val(value)) };
    // SAFETY: the mapping is zeroed after the text, and is never unmapped.
    Some(unsafe { CStr::from_ptr(bytes.cast()) })
}

/// An open file on a disk.
pub(super) struct File(HANDLE);

impl File {
    /// Opens a file; returns `None` if it is not on a disk, such as a pipe or a device.
    pub(super) fn open(path: &CStr) -> io::Result<Option<Self>> {
        let path = path.to_str().map_err(|_| io::ErrorKind::NotFound)?;
        let wide = units(path.len() + 1)?;
        for (unit, value) in wide.iter_mut().zip(path.encode_utf16()) {
            *unit = value;
        }
        let share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
        // SAFETY: the path ends with 0, since UTF-16 has no more units than UTF-8 has bytes.
        let file = unsafe {
            CreateFileW(wide.as_ptr(), GENERIC_READ, share, null(), OPEN_EXISTING, 0, null_mut())
        };
        let error = io::Error::last_os_error();
        // SAFETY: this is all of a mapping of `units`, and nothing refers to it any more.
        unsafe { unmap(wide.as_mut_ptr().cast(), size_of_val(wide)) };
        if file == INVALID_HANDLE_VALUE {
            return Err(error);
        }
        let file = Self(file);
        // SAFETY: the handle is open.
        Ok((unsafe { GetFileType(file.0) } == FILE_TYPE_DISK).then_some(file))
    }

    /// Reads some bytes; returns 0 at the end of the file.
    pub(super) fn read(&self, room: &mut [u8]) -> io::Result<usize> {
        let (mut read, len) = (0, room.len().try_into().unwrap_or(u32::MAX));
        // SAFETY: the handle is open, and there is room for `len` bytes.
        let ok = unsafe { ReadFile(self.0, room.as_mut_ptr(), len, &mut read, null_mut()) };
        if ok == 0 { Err(io::Error::last_os_error()) } else { Ok(read as usize) }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and `self` owns it.
        unsafe { CloseHandle(self.0) };
    }
}

/// Writes some of `text` to standard error; returns the number of bytes, or 0 after an error.
pub(super) fn write_to_stderr(text: &[u8]) -> usize {
    let (mut written, len) = (0, text.len().try_into().unwrap_or(u32::MAX));
    // SAFETY: `text` has `len` bytes. A process without standard error has no valid handle, and the
    // write fails.
    let ok = unsafe {
        let stderr = GetStdHandle(STD_ERROR_HANDLE);
        WriteFile(stderr, text.as_ptr(), len, &mut written, null_mut())
    };
    if ok == 0 { 0 } else { written as usize }
}

/// Ends the process without exit handlers.
pub(super) fn exit(code: u8) -> ! {
    // SAFETY: the handle is that of this process, which may end itself.
    unsafe { TerminateProcess(GetCurrentProcess(), code.into()) };
    // The system has refused: abort runs no exit handlers either.
    std::process::abort()
}
