//! Detects short memory on Linux by the time that threads stalled on memory (PSI,
//! Documentation/accounting/psi.rst).

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::time::Instant;

/// Share of the time above which stalls mean that memory is short. Android's lmkd starts at a
/// tenth; systemd-oomd kills processes at more than twice that.
const SHORT: f64 = 0.1;

/// Reads the stalls of this process's control group; if it has no statistics, of the system.
pub(super) struct Stalls {
    file: File,
    /// When the file was read last, and the stalled microseconds it contained.
    last: (Instant, u64),
}

impl Stalls {
    /// Opens the statistics; returns `None` if this kernel has none.
    pub(super) fn new() -> Option<Self> {
        let group = fs::read_to_string("/proc/self/cgroup").ok();
        let group = group.as_deref().and_then(group_file);
        let files = group.into_iter().chain(["/proc/pressure/memory".to_owned()]);
        files.filter_map(|path| File::open(path).ok()).find_map(|file| {
            let last = (Instant::now(), read(&file)?);
            Some(Self { file, last })
        })
    }

    /// Returns whether memory was short since the previous call.
    pub(super) fn short(&mut self) -> bool {
        let Some(stalled) = read(&self.file) else { return false };
        let (before, now) = (self.last, Instant::now());
        self.last = (now, stalled);
        let stalled = stalled.saturating_sub(before.1) as f64;
        stalled > SHORT * (now - before.0).as_micros() as f64
    }
}

/// Returns the path for the group in /proc/self/cgroup; hierarchy 0 is cgroup version 2.
fn group_file(groups: &str) -> Option<String> {
    let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    Some(format!("/sys/fs/cgroup{}/memory.pressure", path.trim_end_matches('/')))
}

fn read(file: &File) -> Option<u64> {
    let mut text = [0; 256];
    let len = file.read_at(&mut text, 0).ok()?;
    total(std::str::from_utf8(&text[..len]).ok()?)
}

/// Returns the microseconds in which at least one thread stalled. Unlike averages they do not lag.
fn total(text: &str) -> Option<u64> {
    let some = text.lines().find_map(|line| line.strip_prefix("some "))?;
    some.split(' ').find_map(|word| word.strip_prefix("total="))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, Write};

    const TEXT: &str = "some avg10=1.53 avg60=0.87 avg300=0.24 total=47108839\n\
                        full avg10=1.23 avg60=0.62 avg300=0.18 total=36209442\n";

    #[test]
    fn the_total_is_read_from_the_line_of_some() {
        assert_eq!(total(TEXT), Some(47_108_839));
        for bad in ["", "full total=1\n", "some avg10=1.00\n", "some total=\n", "some total=x\n"] {
            assert_eq!(total(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_group_is_that_of_cgroup_version_2() {
        for (groups, file) in [
            ("0::/\n", Some("/sys/fs/cgroup/memory.pressure")),
            (
                "4:memory:/old\n0::/a/x.service\n",
                Some("/sys/fs/cgroup/a/x.service/memory.pressure"),
            ),
            ("4:memory:/old\n", None),
        ] {
            assert_eq!(group_file(groups).as_deref(), file);
        }
    }

    #[test]
    fn stalls_for_more_than_a_tenth_of_the_time_are_short_memory() {
        let path = std::env::temp_dir().join(format!("clearpage-stalls-{}", std::process::id()));
        let mut file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let mut write = |total: u64| {
            file.rewind().unwrap();
            writeln!(file, "some avg10=0.00 avg60=0.00 avg300=0.00 total={total:>12}").unwrap();
            file.try_clone().unwrap()
        };
        let mut stalls = Stalls { file: write(5), last: (Instant::now(), 5) };
        assert!(!stalls.short());
        // More microseconds than this test takes.
        write(1_000_000_000_000);
        assert!(stalls.short());
        assert!(!stalls.short(), "nothing was added");
        write(0);
        assert!(!stalls.short());
    }
}
