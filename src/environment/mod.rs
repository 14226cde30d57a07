//! The variables of the environment that set the plan and the policy.
//!
//! They are read once, together: when the program starts, or at the first call if that is earlier.
//! Reading allocates nothing and waits for no lock, because that call may come from inside an
//! allocation, and the caller may hold the lock of `std::env`. This holds for the getenv(3) of glibc,
//! musl and bionic; that of another C library, such as Apple's or NetBSD's, may take a lock of its own.

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

/// The variables, in the order in which they are kept.
#[derive(Clone, Copy)]
pub(crate) enum Name {
    Force,
    Tuning,
    InitOnAlloc,
    InitOnFree,
}

impl Name {
    const ALL: [Self; 4] = [Self::Force, Self::Tuning, Self::InitOnAlloc, Self::InitOnFree];

    const fn as_c_str(self) -> &'static core::ffi::CStr {
        match self {
            Self::Force => c"CLEARPAGE_FORCE",
            Self::Tuning => c"CLEARPAGE_TUNING",
            Self::InitOnAlloc => c"CLEARPAGE_INIT_ON_ALLOC",
            Self::InitOnFree => c"CLEARPAGE_INIT_ON_FREE",
        }
    }
}
