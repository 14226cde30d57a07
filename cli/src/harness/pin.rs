//! Pins threads to CPUs, whose caches and clocks differ.

use crate::UserError;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub use linux::{allowed, among, to};
#[cfg(not(any(target_os = "linux", target_os = "android", windows)))]
pub use other::{allowed, among, to};
#[cfg(windows)]
pub use windows::{allowed, among, to};

/// Pins this thread to `cpu`, or to its first allowed CPU, and returns that CPU. Without `cpu`, a
/// failure to pin returns `None` and no error.
///
/// # Errors
/// `cpu` is not one that this thread may use, or the system refuses or does not tell.
pub fn pin(cpu: Option<usize>) -> Result<Option<usize>, UserError> {
    let allowed = allowed()?;
    match cpu {
        Some(cpu) => among(cpu, &allowed).map(|()| Some(cpu)),
        None => Ok(allowed.first().copied().filter(|&first| to(first).is_ok())),
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    use super::{UserError, ranges};

    /// The CPUs that this thread may use.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn allowed() -> Result<Vec<usize>, UserError> {
        let allowed = sched_getaffinity(None)
            .map_err(|error| UserError(format!("the allowed CPUs cannot be read: {error}")))?;
        Ok((0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu)).collect())
    }

    /// Pins this thread to `cpu`, which must be one of `allowed`.
    ///
    /// # Errors
    /// It is not, and why; or the system refuses.
    pub fn among(cpu: usize, allowed: &[usize]) -> Result<(), UserError> {
        if !allowed.contains(&cpu) {
            let (why, allowed) = (why_not(cpu), ranges(allowed));
            return Err(UserError(format!("--cpu {cpu}: {why}; allowed are {allowed}")));
        }
        to(cpu)
    }

    /// Pins this thread to `cpu`, even if it was pinned to another one.
    ///
    /// # Errors
    /// The system refuses.
    pub fn to(cpu: usize) -> Result<(), UserError> {
        let mut only = CpuSet::new();
        if cpu < CpuSet::MAX_CPU {
            only.set(cpu);
        }
        sched_setaffinity(None, &only)
            .map_err(|error| UserError(format!("--cpu {cpu}: the system refused: {error}")))
    }

    fn why_not(cpu: usize) -> &'static str {
        let folder = format!("/sys/devices/system/cpu/cpu{cpu}");
        if !std::path::Path::new(&folder).exists() {
            return "no such CPU";
        }
        // The first CPU has no such file where it cannot be taken offline.
        match std::fs::read_to_string(folder + "/online") {
            Ok(online) if online.trim() == "0" => "this CPU is offline",
            _ => "not a CPU this process may use (its cpuset or affinity leaves it out)",
        }
    }
}

/// Processor groups of 64 CPUs: the numbers are those of this process's first group.
#[cfg(windows)]
mod windows {
    use windows_sys::Win32::System::Threading::{
        GetCurrentProcess, GetCurrentThread, GetProcessAffinityMask, SetThreadAffinityMask,
    };

    use super::{UserError, ranges};

    /// The masks of the CPUs that this process may use, and of those that there are.
    fn masks() -> Result<(usize, usize), UserError> {
        let (mut process, mut system) = (0, 0);
        // SAFETY: the handle stands for this process, and both masks are ours.
        let ok = unsafe { GetProcessAffinityMask(GetCurrentProcess(), &mut process, &mut system) };
        if ok == 0 {
            let error = std::io::Error::last_os_error();
            return Err(UserError(format!("the allowed CPUs cannot be read: {error}")));
        }
        // Both are 0 if the process runs in several groups, and so on all CPUs of each.
        let cpus = std::thread::available_parallelism().map_or(1, usize::from) as u32;
        let all = usize::MAX.checked_shr(usize::BITS.saturating_sub(cpus)).unwrap_or(usize::MAX);
        Ok(if process == 0 { (all, all) } else { (process, system) })
    }

    fn contains(mask: usize, cpu: usize) -> bool {
        bit(cpu) & mask != 0
    }

    fn bit(cpu: usize) -> usize {
        1_usize.checked_shl(cpu as u32).unwrap_or(0)
    }

    /// The CPUs that this process may use.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn allowed() -> Result<Vec<usize>, UserError> {
        let (process, _) = masks()?;
        Ok((0..usize::BITS as usize).filter(|&cpu| contains(process, cpu)).collect())
    }

    /// Pins this thread to `cpu`, which must be one of `allowed`.
    ///
    /// # Errors
    /// It is not, and why; or the system refuses.
    pub fn among(cpu: usize, allowed: &[usize]) -> Result<(), UserError> {
        if !allowed.contains(&cpu) {
            let why = match contains(masks()?.1, cpu) {
                true => "not a CPU this process may use (its affinity leaves it out)",
                false => "there is no such CPU",
            };
            let allowed = ranges(allowed);
            return Err(UserError(format!("--cpu {cpu}: {why}; allowed are {allowed}")));
        }
        to(cpu)
    }

    /// Pins this thread to `cpu`, even if it was pinned to another one.
    ///
    /// # Errors
    /// The system refuses.
    pub fn to(cpu: usize) -> Result<(), UserError> {
        // SAFETY: the handle stands for this thread. A mask without a CPU is refused.
        match unsafe { SetThreadAffinityMask(GetCurrentThread(), bit(cpu)) } {
            0 => {
                let error = std::io::Error::last_os_error();
                Err(UserError(format!("--cpu {cpu}: the system refused: {error}")))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", windows)))]
mod other {
    use super::UserError;

    /// Returns one number for each CPU. The numbers have no meaning on this system.
    pub fn allowed() -> Result<Vec<usize>, UserError> {
        Ok((0..std::thread::available_parallelism().map_or(1, usize::from)).collect())
    }

    /// Here no thread can be pinned.
    ///
    /// # Errors
    /// Always.
    pub fn among(cpu: usize, _: &[usize]) -> Result<(), UserError> {
        to(cpu)
    }

    /// Here no thread can be pinned.
    ///
    /// # Errors
    /// Always.
    pub fn to(cpu: usize) -> Result<(), UserError> {
        Err(UserError(format!(
            "--cpu {cpu}: threads cannot be pinned on {}; leave the option out",
            std::env::consts::OS
        )))
    }
}

/// 0, 1, 2, 5 as "0-2, 5".
#[cfg(any(target_os = "linux", target_os = "android", windows, test))]
fn ranges(cpus: &[usize]) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for &cpu in cpus {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == cpu => *last = cpu,
            _ => ranges.push((cpu, cpu)),
        }
    }
    let text = ranges.iter().map(|&(first, last)| match last - first {
        0 => first.to_string(),
        _ => format!("{first}-{last}"),
    });
    text.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpus_are_listed_as_ranges() {
        assert_eq!(ranges(&[0, 1, 2, 5, 7, 8]), "0-2, 5, 7-8");
        assert_eq!(ranges(&[3]), "3");
    }
}
