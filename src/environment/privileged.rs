//! Whether the program has rights that its caller does not have: setuid, setgid, capabilities. Then
//! the caller's environment must not steer it, as with the C library's own variables.

/// Whether the system started this program with more rights than its caller's: `AT_SECURE` in the
/// auxiliary vector, as for secure_getenv(3).
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn privileged() -> bool {
    const AT_SECURE: core::ffi::c_ulong = 23;
    unsafe extern "C" {
        /// It reads memory that nobody writes, and knows every kind.
        safe fn getauxval(kind: core::ffi::c_ulong) -> core::ffi::c_ulong;
    }
    getauxval(AT_SECURE) != 0
}

/// Whether user or group were changed when this program started or since: issetugid(2).
#[cfg(any(
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly",
    target_os = "illumos",
    target_os = "solaris"
))]
pub(super) fn privileged() -> bool {
    unsafe extern "C" {
        safe fn issetugid() -> core::ffi::c_int;
    }
    issetugid() != 0
}

/// Whether the user or group that counts for rights is not the caller's. These systems do not tell
/// what it was at the start.
#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly",
    target_os = "illumos",
    target_os = "solaris"
)))]
pub(super) fn privileged() -> bool {
    use rustix::process::{getegid, geteuid, getgid, getuid};
    getuid() != geteuid() || getgid() != getegid()
}
