//! The memory limit that the control groups of this process set. sysinfo reads only the root of the
//! mounted hierarchy, not the group of this process and those that contain it.

use std::fs;
use std::path::Path;

/// The memory limit of a control group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    pub group: String,
    /// Bytes that the group may use.
    pub bytes: u64,
    /// Bytes of these that are free, or hold cached files that can be dropped.
    pub free: u64,
}

/// Returns the tightest limit of the process's group and those that contain it, if there is one.
pub fn limit() -> Option<Limit> {
    // On Windows the path is that of another file, if any.
    if cfg!(windows) { None } else { limit_below(Path::new("/")) }
}

/// File names of the two versions of cgroups: the kernel's
/// `admin-guide/cgroup-v2.rst` and `cgroup-v1/memory.rst`.
struct Names {
    folder: &'static str,
    limit: &'static str,
    used: &'static str,
    files: &'static str,
}

const SECOND: Names = Names {
    folder: "sys/fs/cgroup",
    limit: "memory.max",
    used: "memory.current",
    files: "inactive_file ",
};
const FIRST: Names = Names {
    folder: "sys/fs/cgroup/memory",
    limit: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    files: "total_inactive_file ",
};

fn limit_below(root: &Path) -> Option<Limit> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let mut limits = Vec::new();
    for line in groups.lines() {
        // Number, controllers, path. Version 2 names no controllers.
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let names = match controllers {
            "" => SECOND,
            some if some.split(',').any(|name| name == "memory") => FIRST,
            _ => continue,
        };
        // In a container, its own group may be the root, regardless of the path.
        for group in Path::new(path).ancestors() {
            let inside = group.strip_prefix("/").unwrap_or(group);
            limits.extend(read(&root.join(names.folder).join(inside), &names, group));
        }
    }
    limits.into_iter().min_by_key(|limit| limit.free)
}

fn read(folder: &Path, names: &Names, group: &Path) -> Option<Limit> {
    let number = |file| fs::read_to_string(folder.join(file)).ok()?.trim().parse::<u64>().ok();
    // Without a limit, version 2 has "max", and version 1 a number larger than any memory.
    let bytes = number(names.limit).filter(|&bytes| bytes < 1 << 60)?;
    let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let files = stat.lines().find_map(|line| line.strip_prefix(names.files)?.parse().ok());
    let used = number(names.used).unwrap_or(0).saturating_sub(files.unwrap_or(0));
    let group = group.display().to_string();
    Some(Limit { group, bytes, free: bytes.saturating_sub(used) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the limit in a file system with these files.
    fn limit_of(name: &str, files: &[(&str, &str)]) -> Option<Limit> {
        let root = std::env::temp_dir().join(format!("clearpage-{name}-{}", std::process::id()));
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let limit = limit_below(&root);
        fs::remove_dir_all(&root).unwrap();
        limit
    }

    #[test]
    fn second_version_takes_the_tightest_of_the_groups_above() {
        let files = [
            ("proc/self/cgroup", "0::/user/job\n"),
            ("sys/fs/cgroup/user/memory.max", "1000000\n"),
            ("sys/fs/cgroup/user/memory.current", "700000\n"),
            ("sys/fs/cgroup/user/memory.stat", "anon 5\ninactive_file 300000\n"),
            ("sys/fs/cgroup/user/job/memory.max", "max\n"),
        ];
        let expected = Limit { group: "/user".to_owned(), bytes: 1_000_000, free: 600_000 };
        assert_eq!(limit_of("second", &files), Some(expected));
    }

    #[test]
    fn first_version_uses_the_memory_controller() {
        let files = [
            ("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/a\n0::/\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "4096000\n"),
            ("sys/fs/cgroup/memory/a/memory.usage_in_bytes", "96000\n"),
        ];
        let expected = Limit { group: "/a".to_owned(), bytes: 4_096_000, free: 4_000_000 };
        assert_eq!(limit_of("first", &files), Some(expected));
    }

    #[test]
    fn no_limit_is_none() {
        let files = [("proc/self/cgroup", "0::/\n"), ("sys/fs/cgroup/memory.max", "max\n")];
        assert_eq!(limit_of("none", &files), None);
    }
}
