//! What the kernel tells a program of its CPU: the auxiliary vector, getauxval(3).

#[cfg(any(target_arch = "powerpc64", target_arch = "riscv64"))]
use crate::cpu::Caches;

/// The entry `kind`; 0 where there is none, and where nobody can be asked: without `std`, or on
/// another system than Linux.
pub(super) fn auxv(kind: usize) -> usize {
    #[cfg(all(feature = "std", any(target_os = "linux", target_os = "android")))]
    {
        use core::ffi::c_ulong;
        unsafe extern "C" {
            /// Of the C library that `std` links. It reads memory that nobody writes, and knows every
            /// `kind`.
            safe fn getauxval(kind: c_ulong) -> c_ulong;
        }
        // `unsigned long` is a `usize` on every Linux.
        getauxval(kind as c_ulong) as usize
    }
    #[cfg(not(all(feature = "std", any(target_os = "linux", target_os = "android"))))]
    {
        let _ = kind;
        0
    }
}

/// The data caches, which Linux tells on these ISAs in `AT_L1D_CACHESIZE`, `AT_L2_CACHESIZE` and
/// `AT_L3_CACHESIZE`, in bytes; 0 where it does not know.
#[cfg(any(target_arch = "powerpc64", target_arch = "riscv64"))]
pub(crate) fn caches() -> Caches {
    Caches { l1d: auxv(42), l2: auxv(44), l3: auxv(46) }
}
