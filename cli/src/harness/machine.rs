//! The machine a measurement was made on.

use serde::{Deserialize, Serialize};

use super::units::format_size;
use crate::cpuinfo::{self, CpuInfo};
use crate::report::facts::Recorded;
use crate::{c_library, cgroup, microarchitecture};

/// The facts about a machine that affect its figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The CPU's own name for itself.
    pub cpu: String,
    /// The name of the microarchitecture, such as "Zen 4".
    #[serde(default)]
    pub microarchitecture: Option<String>,
    /// Family, model and stepping, if the CPU has them.
    pub cpu_signature: Option<String>,
    /// Revision of the CPU's microcode, as the kernel reports it.
    pub microcode: Option<String>,
    /// The `scaling_governor` of the first CPU.
    pub governor: Option<String>,
    /// The C library of this program, and its version: it decides what `memset` is.
    #[serde(default)]
    pub c_library: Option<String>,
    /// What the default tuning is made from.
    pub facts: Recorded,
    /// Bytes a page of the operating system.
    pub os_page_size: usize,
    /// Mode of transparent huge pages, in the kernel's words.
    pub huge_pages: Option<String>,
    /// The hypervisor, or that there is one.
    pub hypervisor: Option<String>,
    /// Kernel name and version.
    pub kernel: String,
    /// CPUs that this process may use.
    pub cpus: usize,
    /// Bytes of memory.
    pub memory: u64,
}

impl Machine {
    /// Returns the CPU in a line: its name, instruction set, microarchitecture and signature.
    pub fn title(&self) -> String {
        let more = [&self.microarchitecture, &self.cpu_signature].into_iter().flatten();
        let more: String = more.map(|text| format!(", {text}")).collect();
        format!("{} [{}]{more}", self.cpu, self.facts.isa)
    }

    /// Returns the CPU without trademarks, vendor and clock: "AMD EPYC, Zen 5".
    pub fn short_title(&self) -> String {
        let more = self.microarchitecture.as_ref().map(|name| format!(", {name}"));
        model(&self.cpu) + &more.unwrap_or_default()
    }

    /// Returns the known facts by name, except the feature bits.
    pub fn description(&self) -> Vec<(&'static str, String)> {
        let cache = |bytes: usize| match bytes {
            0 => "unknown".to_owned(),
            _ => format_size(bytes as u64),
        };
        let hypervisor = self.hypervisor.clone().unwrap_or_else(|| "none seen".to_owned());
        let facts = [
            ("CPU", Some(self.cpu.clone())),
            ("microarchitecture", self.microarchitecture.clone()),
            ("signature", self.cpu_signature.clone()),
            ("microcode", self.microcode.clone()),
            ("governor", self.governor.clone()),
            ("architecture", Some(self.facts.isa.clone())),
            ("L1d cache", Some(cache(self.facts.l1d))),
            ("L2 cache", Some(cache(self.facts.l2))),
            ("L3 cache", Some(cache(self.facts.l3))),
            ("page size of the system", Some(format_size(self.os_page_size as u64))),
            ("transparent huge pages", self.huge_pages.clone()),
            ("hypervisor", Some(hypervisor)),
            ("kernel", Some(self.kernel.clone())),
            ("C library", self.c_library.clone()),
            ("number of CPUs", Some(self.cpus.to_string())),
            ("memory", Some(format!("{:.1} GiB", self.memory as f64 / (1_u64 << 30) as f64))),
        ];
        facts.into_iter().filter_map(|(name, fact)| Some((name, fact?))).collect()
    }

    /// Detects the facts of this machine.
    pub fn detect() -> Self {
        let facts = Recorded::detect();
        let Recorded { isa, vendor, family, model, .. } = &facts;
        let info = CpuInfo::read();
        Self {
            cpu: cpu_name().or_else(|| info.name()).unwrap_or_else(|| isa.clone()),
            microarchitecture: microarchitecture::name(isa, vendor, *family, *model)
                .map(str::to_owned),
            cpu_signature: cpu_signature().or_else(|| info.signature()),
            microcode: info.microcode(),
            governor: fact("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            c_library: c_library::name_and_version(),
            os_page_size: os_page_size(),
            huge_pages: huge_pages(),
            hypervisor: hypervisor(),
            kernel: sysinfo::System::kernel_long_version(),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            memory: memory().total,
            facts,
        }
    }
}

/// Returns the words of a brand string that tell CPUs apart.
fn model(cpu: &str) -> String {
    let cpu = cpu.split(" @ ").next().unwrap_or_default();
    let cpu = cpu.replace("(R)", "").replace("(TM)", "");
    let alike = |word: &str| {
        let vendor = word.starts_with('(') && word.ends_with(')');
        vendor || ["CPU", "Processor"].contains(&word) || word.ends_with("-Core")
    };
    cpu.split_whitespace().filter(|word| !alike(word)).collect::<Vec<_>>().join(" ")
}

/// Memory in bytes, by the machine or the process's control group, whichever is less.
#[derive(Clone, Debug)]
pub struct Memory {
    /// Total memory.
    pub total: u64,
    /// Memory that is available without swapping.
    pub available: u64,
    /// The control group whose limit leaves less than the machine has.
    pub group: Option<String>,
}

/// Returns the memory that this process can use.
pub fn memory() -> Memory {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    let (total, available) = (system.total_memory(), system.available_memory());
    match cgroup::limit() {
        Some(limit) if limit.free < available => {
            let total = total.min(limit.bytes);
            Memory { total, available: limit.free, group: Some(limit.group) }
        }
        _ => Memory { total, available, group: None },
    }
}

#[cfg(unix)]
fn os_page_size() -> usize {
    rustix::param::page_size()
}

#[cfg(windows)]
fn os_page_size() -> usize {
    use windows_sys::Win32::System::SystemInformation::{GetSystemInfo, SYSTEM_INFO};
    // SAFETY: the structure is plain data, which the call fills.
    let info = unsafe {
        let mut info: SYSTEM_INFO = std::mem::zeroed();
        GetSystemInfo(&mut info);
        info
    };
    info.dwPageSize as usize
}

/// Returns the line of a file, if the file exists and is not empty.
fn fact(path: &str) -> Option<String> {
    let text = cpuinfo::file(path)?;
    Some(text.trim().to_owned()).filter(|fact| !fact.is_empty())
}

fn huge_pages() -> Option<String> {
    let choices = cpuinfo::file("/sys/kernel/mm/transparent_hugepage/enabled")?;
    let chosen = choices.split(['[', ']']).nth(1)?;
    Some(chosen.to_owned())
}

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
mod x86 {
    use raw_cpuid::CpuId;

    pub fn cpu_name() -> Option<String> {
        let cpuid = CpuId::new();
        let brand = cpuid.get_processor_brand_string()?.as_str().trim().to_owned();
        let vendor = cpuid.get_vendor_info()?;
        Some(format!("{brand} ({})", vendor.as_str()))
    }

    pub fn cpu_signature() -> Option<String> {
        let info = CpuId::new().get_feature_info()?;
        let (family, model) = (info.family_id(), info.model_id());
        Some(format!("family {family}, model {model}, stepping {}", info.stepping_id()))
    }

    pub fn hypervisor() -> Option<String> {
        let cpuid = CpuId::new();
        let known = cpuid.get_hypervisor_info().map(|info| format!("{:?}", info.identify()));
        let present = cpuid.get_feature_info()?.has_hypervisor();
        known.or(present.then(|| "unnamed".to_owned()))
    }
}

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
use x86::{cpu_name, cpu_signature, hypervisor};

#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
use crate::cpuinfo::hypervisor;

#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
fn cpu_name() -> Option<String> {
    None
}

#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
fn cpu_signature() -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brands_are_reduced_to_the_model() {
        for (brand, expected) in [
            ("AMD EPYC 9654 96-Core Processor (AuthenticAMD)", "AMD EPYC 9654"),
            ("Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz (GenuineIntel)", "Intel Xeon E5-2680 v4"),
            ("12th Gen Intel(R) Core(TM) i7-1260P (GenuineIntel)", "12th Gen Intel Core i7-1260P"),
            ("aarch64", "aarch64"),
        ] {
            assert_eq!(model(brand), expected);
        }
    }
}
