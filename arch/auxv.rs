//! Reads what the kernel reports about the CPU: the auxiliary vector, getauxval(3).
#![allow(dead_code, reason = "not every ISA reads all of it")]

/// Returns the entry `kind`; 0 if it is absent, in builds without `std`, under Miri, and on systems
/// other than Linux.
pub(crate) fn auxv(kind: usize) -> usize {
    #[cfg(all(feature = "std", not(miri), any(target_os = "linux", target_os = "android")))]
    {
        use core::ffi::c_ulong;
        unsafe extern "C" {
            /// From the C library that `std` links. It accepts every `kind` and reads memory that
            /// is never written.
            safe fn getauxval(kind: c_ulong) -> c_ulong;
        }
        // `unsigned long` is a `usize` on every Linux.
        getauxval(kind as c_ulong) as usize
    }
    #[cfg(not(all(feature = "std", not(miri), any(target_os = "linux", target_os = "android"))))]
    {
        let _ = kind;
        0
    }
}

pub(super) fn hwcap(bit: u32) -> bool {
    auxv(16) >> bit & 1 == 1
}

pub(super) fn hwcap2(bit: u32) -> bool {
    auxv(26) >> bit & 1 == 1
}
