//! Detection of the CPU's microcode revision.

/// Returns the microcode revision of the first CPU in Linux's `/proc/cpuinfo`.
///
/// Returns `None` if that file has no revision, without `std`, and on other systems. An update can
/// change which instruction is fastest: Intel's update of June 2021 (CVE-2020-24512) slowed down
/// stores of zeroes over zeroes.
pub fn microcode() -> Option<u64> {
    #[cfg(all(feature = "std", any(target_os = "linux", target_os = "android")))]
    {
        // The kernel returns whole CPUs, and the lines of one take much less than this.
        let mut text = [0; 4096];
        let len = crate::env::read_start(c"/proc/cpuinfo", &mut text)?;
        revision(&text[..len])
    }
    #[cfg(not(all(feature = "std", any(target_os = "linux", target_os = "android"))))]
    None
}

/// Parses the first line `microcode : 0x...`.
#[allow(dead_code, reason = "needs Linux and std")]
fn revision(cpuinfo: &[u8]) -> Option<u64> {
    let mut lines = cpuinfo.split(|&byte| byte == b'\n');
    let line = lines.find_map(|line| line.strip_prefix(b"microcode"))?;
    let line = core::str::from_utf8(line).ok()?;
    let value = line.split_once(':')?.1.trim().strip_prefix("0x")?;
    u64::from_str_radix(value, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_revision_is_the_first_cpus() {
        let text = b"processor\t: 0\nmicrocode\t: 0xa101\ncpu MHz\t: 1\nmicrocode\t: 0x2\n";
        assert_eq!(revision(text), Some(0xa101));
        assert_eq!(revision(b"processor: 0\n"), None);
        assert_eq!(revision(b"microcode\t: what\n"), None);
    }
}
