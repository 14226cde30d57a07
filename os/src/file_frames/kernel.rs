//! Lists file systems whose regular files are not memory or disk.

/// Refused values of `f_type` in statfs(2), from the kernel's `linux/magic.h`; that of configfs is
/// from `fs/configfs/mount.c`.
const REFUSED: [(u32, &str); 14] = [
    // They contain mappable files of device memory, such as the BARs of PCI devices.
    (0x6265_6572, "sysfs"),
    (0x9fa0, "procfs"),
    (0x444d_4142, "dma-buf"),
    // Interfaces of drivers and of the kernel, where a write of zeroes is a command.
    (0x6462_6720, "debugfs"),
    (0x7472_6163, "tracefs"),
    (0x6265_6570, "configfs"),
    (0x7363_6673, "securityfs"),
    (0xf97c_ff8c, "selinuxfs"),
    (0x0027_e0eb, "cgroup"),
    (0x6367_7270, "cgroup2"),
    (0x0765_5821, "resctrl"),
    (0xcafe_4a11, "bpf"),
    (0xde5e_81e4, "efivarfs"),
    (0x6165_676c, "pstore"),
];

/// Returns the name of a file system with this `f_type` whose files are the kernel's or devices'.
pub(super) fn refused(kind: u32) -> Option<&'static str> {
    REFUSED.iter().find(|(magic, _)| *magic == kind).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::super::{HUGETLBFS, TMPFS};
    use super::*;

    #[test]
    fn file_systems_of_the_kernel_are_refused_and_others_are_not() {
        assert_eq!(refused(0x6265_6572), Some("sysfs"));
        assert_eq!(refused(0x9fa0), Some("procfs"));
        assert_eq!(refused(0x6462_6720), Some("debugfs"));
        assert_eq!(refused(0x444d_4142), Some("dma-buf"));
        // ext4, XFS, btrfs, overlayfs, FUSE.
        let others = [0xef53, 0x5846_5342, 0x9123_683e, 0x794c_7630, 0x6573_5546];
        for kind in [TMPFS, HUGETLBFS].into_iter().chain(others) {
            assert_eq!(refused(kind), None, "{kind:#x}");
        }
    }
}
