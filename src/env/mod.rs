//! The environment variables that set the plan and the policy.
//!
//! All are read once, at program start, or at the first call if that is earlier. Reading does not
//! allocate or take a lock, because the call may come from inside an allocation, and its caller
//! may hold the lock of `std::env`. This is true of getenv(3) in glibc, musl and bionic; in other C
//! libraries, such as Apple's and NetBSD's, it may take a lock of its own.

mod file;
mod privileged;
mod read;
mod report;
mod variable;

pub use file::FileError;
pub(crate) use file::with_text;
pub(crate) use read::value;
pub(crate) use report::{ignore, refuse};
pub use variable::Variable;

use std::ffi::CStr;
use std::ptr;

use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

/// Maps zeroed memory: the stack may be small, and the caller may be the allocator.
fn map(len: usize) -> Result<*mut u8, Errno> {
    let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
    // SAFETY: without an address and FIXED, the kernel maps unused address space.
    unsafe { mmap_anonymous(ptr::null_mut(), len, access, flags) }.map(<*mut _>::cast)
}

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
