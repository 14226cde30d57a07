//! The machine a measurement was made on.

use clearpage::cpu;
use serde::{Deserialize, Serialize};

/// What a reader needs to place a figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The CPU's own name for itself.
    pub cpu: String,
    /// Family, model and stepping, where the CPU has such.
    pub cpu_signature: Option<String>,
    /// Revision of the CPU's microcode, as the kernel tells it.
    pub microcode: Option<String>,
    /// Who sets the clock of the first CPU (`scaling_governor`).
    pub governor: Option<String>,
    /// The architecture this program was built for.
    pub arch: String,
    /// Feature bits that matter here, by name.
    pub flags: Vec<(String, bool)>,
    /// Bytes of first-level data cache, 0 if unknown.
    pub l1d: usize,
    /// Bytes of second-level cache, 0 if unknown.
    pub l2: usize,
    /// Bytes of third-level cache, 0 if none or unknown.
    pub l3: usize,
    /// Bytes a page of the operating system.
    pub os_page_size: usize,
    /// When transparent huge pages are used, as the kernel puts it.
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
    /// Looks around.
    pub fn detect() -> Self {
        let caches = cpu::caches();
        Self {
            cpu: cpu_name(),
            cpu_signature: cpu_signature(),
            microcode: microcode(),
            governor: fact("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            arch: std::env::consts::ARCH.to_owned(),
            flags: cpu::flags().map(|flag| (flag.name.to_owned(), flag.set)).collect(),
            l1d: caches.l1d,
            l2: caches.l2,
            l3: caches.l3,
            os_page_size: os_page_size(),
            huge_pages: huge_pages(),
            hypervisor: hypervisor(),
            kernel: sysinfo::System::kernel_long_version(),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            memory: memory().total,
        }
    }
}

/// Memory in bytes, by the machine or the process's cgroup, whichever is less.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// All there is.
    pub total: u64,
    /// What can be taken without pushing others out.
    pub available: u64,
}

/// Asks the operating system.
pub fn memory() -> Memory {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    let (mut total, mut available) = (system.total_memory(), system.available_memory());
    if let Some(limits) = system.cgroup_limits() {
        total = total.min(limits.total_memory);
        available = available.min(limits.free_memory);
    }
    Memory { total, available }
}

#[cfg(unix)]
fn os_page_size() -> usize {
    rustix::param::page_size()
}

#[cfg(not(unix))]
fn os_page_size() -> usize {
    clearpage::PAGE_SIZE
}

/// A file of one line, where there is one.
fn fact(path: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned()).filter(|fact| !fact.is_empty())
}

fn microcode() -> Option<String> {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = cpuinfo.lines().find(|line| line.starts_with("microcode"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn huge_pages() -> Option<String> {
    let choices = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled").ok()?;
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
use x86::{cpu_signature, hypervisor};

#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
fn cpu_signature() -> Option<String> {
    None
}

#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
fn hypervisor() -> Option<String> {
    None
}

fn cpu_name() -> String {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    if let Some(name) = x86::cpu_name() {
        return name;
    }
    std::env::consts::ARCH.to_owned()
}
