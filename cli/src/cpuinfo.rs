//! The CPU as `/proc/cpuinfo` describes it. Each architecture has its own names (`show_cpuinfo` in the
//! kernel's `arch/*/kernel`).

use std::fs;

/// The first CPU's lines of `/proc/cpuinfo`.
pub struct CpuInfo(String);

impl CpuInfo {
    /// Reads the file. Without it, all values are unknown.
    pub fn read() -> Self {
        Self(file("/proc/cpuinfo").unwrap_or_default())
    }

    /// Returns the value of the first line with this name.
    fn value(&self, name: &str) -> Option<&str> {
        let mut lines = self.0.lines().filter_map(|line| line.split_once(':'));
        let value = lines.find(|(known, _)| known.trim_end() == name)?.1.trim();
        Some(value).filter(|value| !value.is_empty())
    }

    pub fn name(&self) -> Option<String> {
        // x86 and some arm; loongarch64; riscv64; powerpc64; boards of arm; s390x.
        let names = ["model name", "Model Name", "uarch", "cpu", "Hardware", "vendor_id"];
        names.iter().find_map(|name| self.value(name)).map(str::to_owned)
    }

    /// Returns the numbers that identify model and revision, with their names.
    pub fn signature(&self) -> Option<String> {
        // arm and aarch64; riscv64; powerpc64.
        let names = [
            "CPU implementer",
            "CPU part",
            "CPU variant",
            "CPU revision",
            "mvendorid",
            "marchid",
            "mimpid",
            "revision",
        ];
        let known = names.iter().filter_map(|&name| {
            let short = name.strip_prefix("CPU ").unwrap_or(name);
            Some(format!("{short} {}", self.value(name)?))
        });
        let known = known.collect::<Vec<_>>().join(", ");
        (!known.is_empty()).then_some(known)
    }

    pub fn microcode(&self) -> Option<String> {
        self.value("microcode").map(str::to_owned)
    }
}

/// Returns the text of a file of the kernel; `None` on Windows, where the path is that of another
/// file, if any.
pub fn file(path: &str) -> Option<String> {
    if cfg!(windows) { None } else { fs::read_to_string(path).ok() }
}

/// Returns the hypervisor from Xen's folder, the device tree or the sysinfo of s390x.
#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
pub fn hypervisor() -> Option<String> {
    let tree = || file("/proc/device-tree/hypervisor/compatible");
    let name = file("/sys/hypervisor/type").or_else(tree).or_else(|| {
        let sysinfo = file("/proc/sysinfo")?;
        let line = sysinfo.lines().find(|line| line.starts_with("VM00 Control Program"))?;
        Some(line.split_once(':')?.1.to_owned())
    })?;
    let name = name.trim_matches(['\0', ' ', '\n']);
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> [Option<String>; 3] {
        let info = CpuInfo(text.to_owned());
        [info.name(), info.signature(), info.microcode()]
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn names_are_read_on_every_architecture() {
        let x86 = "processor\t: 0\nmodel name\t: AMD EPYC\nmicrocode\t: 0x1000065\n";
        assert_eq!(told(x86), [some("AMD EPYC"), None, some("0x1000065")]);
        let aarch64 = "processor\t: 0\nCPU implementer\t: 0x41\nCPU architecture: 8\n\
                       CPU variant\t: 0x3\nCPU part\t: 0xd0c\nCPU revision\t: 1\n";
        let signature = some("implementer 0x41, part 0xd0c, variant 0x3, revision 1");
        assert_eq!(told(aarch64), [None, signature, None]);
        let riscv64 = "hart\t: 0\nuarch\t: sifive,u74-mc\nmarchid\t: 0x7\n";
        assert_eq!(told(riscv64), [some("sifive,u74-mc"), some("marchid 0x7"), None]);
        let powerpc64 = "cpu\t\t: POWER9, altivec supported\nrevision\t: 2.2\n";
        let name = some("POWER9, altivec supported");
        assert_eq!(told(powerpc64), [name, some("revision 2.2"), None]);
        assert_eq!(told(""), [None, None, None]);
    }
}
