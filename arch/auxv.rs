//! Reads what the kernel reports about the CPU: the auxiliary vector, by getauxval(3) of Linux and
//! elf_aux_info(3) of FreeBSD.
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

/// Returns AT_HWCAP, or AT_HWCAP2 if `second`; 0 as above, and read on FreeBSD too, which gives the
/// bits that this crate reads the same meaning on arm and aarch64.
fn capabilities(second: bool) -> usize {
    #[cfg(all(feature = "std", not(miri), target_os = "freebsd"))]
    {
        let kind = if second { libc::AT_HWCAP2 } else { libc::AT_HWCAP };
        let mut bits: core::ffi::c_ulong = 0;
        let size = size_of_val(&bits) as core::ffi::c_int;
        // SAFETY: there is room for `size` bytes. An entry that is absent leaves `bits` unchanged.
        unsafe { libc::elf_aux_info(kind, (&raw mut bits).cast(), size) };
        bits as usize
    }
    #[cfg(not(all(feature = "std", not(miri), target_os = "freebsd")))]
    auxv(if second { 26 } else { 16 })
}

pub(super) fn hwcap(bit: u32) -> bool {
    capabilities(false) >> bit & 1 == 1
}

pub(super) fn hwcap2(bit: u32) -> bool {
    capabilities(true) >> bit & 1 == 1
}
