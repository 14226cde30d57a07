//! The C library, whose `memset` is measured as "libc memset".
//!
//! That figure depends on the library's version: from 2.40 on glibc does not use `rep stosb` on AMD
//! CPUs (`rep_stosb_threshold` in its `sysdeps/x86/dl-cacheinfo.h`). The version is the upstream
//! release, to which a distribution may have backported later changes.

/// Returns the name of the C library that this program runs with, and its version if the library
/// reports one: "glibc 2.36", "musl". Other systems have one C library each.
pub fn name_and_version() -> Option<String> {
    // musl has no call for its version; only its loader prints it, when it is run.
    if cfg!(target_env = "musl") { Some("musl".to_owned()) } else { glibc() }
}

/// Returns the version of the glibc that is loaded, which may be newer than the one of the build.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn glibc() -> Option<String> {
    // SAFETY: the call has no preconditions and returns a constant string that ends in a zero byte.
    let version = unsafe { std::ffi::CStr::from_ptr(libc::gnu_get_libc_version()) };
    Some(format!("glibc {}", version.to_str().ok()?))
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn glibc() -> Option<String> {
    None
}

#[cfg(all(test, target_os = "linux", any(target_env = "gnu", target_env = "musl")))]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_env = "gnu")]
    fn glibc_reports_its_version() {
        let name = name_and_version().unwrap();
        let minor = name.strip_prefix("glibc 2.").unwrap();
        // Development snapshots add a third number: "2.41.9000".
        assert!(minor.split('.').all(|part| part.parse::<u32>().is_ok()), "{name}");
    }

    #[test]
    #[cfg(target_env = "musl")]
    fn musl_has_a_name() {
        assert_eq!(name_and_version().as_deref(), Some("musl"));
    }
}
