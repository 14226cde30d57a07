//! Reads what the kernel reports about the CPU: the auxiliary vector, getauxval(3).

#[cfg(any(target_arch = "powerpc64", target_arch = "riscv64"))]
use crate::cpu::Caches;

/// Returns the entry `kind`; 0 if it is absent, in builds without `std`, and on systems other than
/// Linux.
pub(super) fn auxv(kind: usize) -> usize {
    #[cfg(all(feature = "std", any(target_os = "linux", target_os = "android")))]
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
    #[cfg(not(all(feature = "std", any(target_os = "linux", target_os = "android"))))]
    {
        let _ = kind;
        0
    }
}

/// Returns the data cache sizes in bytes, 0 if unknown. Linux reports them on these ISAs, in
/// `AT_L1D_CACHESIZE`, `AT_L2_CACHESIZE` and `AT_L3_CACHESIZE`.
#[cfg(any(target_arch = "powerpc64", target_arch = "riscv64"))]
pub(crate) fn caches() -> Caches {
    Caches { l1d: auxv(42), l2: auxv(44), l3: auxv(46) }
}
