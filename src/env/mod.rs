//! The environment variables that set the plan and the policy.
//!
//! All are read once, at program start, or at the first call if that is earlier. Reading does not
//! allocate or take a lock, because the call may come from inside an allocation, and its caller
//! may hold the lock of `std::env`. This is true of getenv(3) in glibc, musl and bionic; in other C
//! libraries, such as Apple's and NetBSD's, it may take a lock of its own. So does Windows, whose
//! lock is never held while an allocator of Rust is called.

mod file;
mod privileged;
mod read;
mod report;
#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod system;
mod variable;

pub use file::FileError;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use file::read_start;
pub(crate) use file::with_text;
pub(crate) use read::value;
pub(crate) use report::{ignore, refuse};
pub use variable::Variable;

use std::ffi::CStr;

#[derive(Clone, Copy)]
pub(crate) enum Name {
    Force,
    Tuning,
    InitOnAlloc,
    InitOnFree,
}

/// The variables, indexed by [`Name`].
const VARIABLES: [&CStr; 4] = [
    c"CLEARPAGE_FORCE",
    c"CLEARPAGE_TUNING",
    c"CLEARPAGE_INIT_ON_ALLOC",
    c"CLEARPAGE_INIT_ON_FREE",
];
