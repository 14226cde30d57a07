//! The C library that this program runs with: it decides what `memset` is. glibc before 2.40 uses
//! `rep stosb` on AMD's CPUs, later versions vector stores.

/// Its name, and its version if it can be asked for: "glibc 2.36", "musl".
pub fn name_and_version() -> Option<String> {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: glibc returns a text that is never freed.
        let version = unsafe { std::ffi::CStr::from_ptr(libc::gnu_get_libc_version()) };
        Some(format!("glibc {}", version.to_string_lossy()))
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    match () {
        () if cfg!(target_env = "musl") => Some("musl".to_owned()),
        () if cfg!(target_os = "android") => Some("Bionic".to_owned()),
        () if cfg!(target_vendor = "apple") => Some("libSystem".to_owned()),
        () if cfg!(windows) => Some("C runtime of Windows".to_owned()),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn glibc_has_a_version() {
        let text = name_and_version().unwrap();
        let version = text.strip_prefix("glibc ").unwrap();
        let (major, minor) = version.split_once('.').unwrap();
        assert_eq!(major, "2");
        assert!(minor.split('.').all(|part| part.parse::<u32>().is_ok()), "{text}");
    }
}
