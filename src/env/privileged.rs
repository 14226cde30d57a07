//! Detects a program with rights that its caller lacks (setuid, setgid, capabilities). The caller's
//! environment must not control it, as with the C library's own variables.

cfg_if::cfg_if! {
    if #[cfg(any(target_os = "linux", target_os = "android"))] {
        /// Returns whether the kernel started this program with rights that its caller lacks:
        /// `AT_SECURE` in the auxiliary vector, as for secure_getenv(3).
        pub(super) fn privileged() -> bool {
            const AT_SECURE: usize = 23;
            crate::arch::auxv(AT_SECURE) != 0
        }
    } else if #[cfg(any(
        target_vendor = "apple",
        target_os = "freebsd",
        target_os = "netbsd",
        target_os = "openbsd",
        target_os = "dragonfly",
        target_os = "illumos",
        target_os = "solaris"
    ))] {
        /// Returns whether user or group changed at program start or later: issetugid(2).
        pub(super) fn privileged() -> bool {
            unsafe extern "C" {
                safe fn issetugid() -> core::ffi::c_int;
            }
            issetugid() != 0
        }
    } else if #[cfg(windows)] {
        /// Returns `false`: Windows starts no program with the rights of its file's owner.
        pub(super) fn privileged() -> bool {
            false
        }
    } else {
        /// Returns whether the effective user or group differs from the real one. These systems do
        /// not report what it was at program start.
        pub(super) fn privileged() -> bool {
            use rustix::process::{getegid, geteuid, getgid, getuid};
            getuid() != geteuid() || getgid() != getegid()
        }
    }
}
