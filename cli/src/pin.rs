//! Staying on one CPU: caches and clocks differ from one to the next.

use crate::UserError;

/// Pins this thread to `cpu`, or to the one it is on; tells which.
///
/// # Errors
/// `cpu` is not one that this process may use; the message lists those that are.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn pin(cpu: Option<usize>) -> Result<Option<usize>, UserError> {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

    let allowed = sched_getaffinity(None)
        .map_err(|error| UserError(format!("the allowed CPUs cannot be read: {error}")))?;
    let target = cpu.unwrap_or_else(sched_getcpu);
    if target >= CpuSet::MAX_CPU || !allowed.is_set(target) {
        return Err(UserError(format!(
            "--cpu {target}: not a CPU this process may use; allowed are {}",
            ranges((0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu)))
        )));
    }
    let mut only = CpuSet::new();
    only.set(target);
    match sched_setaffinity(None, &only) {
        Ok(()) => Ok(Some(target)),
        Err(error) if cpu.is_some() => {
            Err(UserError(format!("--cpu {target}: the system refused: {error}")))
        }
        Err(_) => Ok(None),
    }
}

/// Elsewhere no thread can be pinned.
///
/// # Errors
/// A CPU was asked for.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn pin(cpu: Option<usize>) -> Result<Option<usize>, UserError> {
    match cpu {
        Some(cpu) => Err(UserError(format!(
            "--cpu {cpu}: threads cannot be pinned on {}; leave the option out",
            std::env::consts::OS
        ))),
        None => Ok(None),
    }
}

/// 0, 1, 2, 5 as "0-2, 5".
#[cfg(any(target_os = "linux", target_os = "android", test))]
fn ranges(cpus: impl Iterator<Item = usize>) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for cpu in cpus {
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
        assert_eq!(ranges([0, 1, 2, 5, 7, 8].into_iter()), "0-2, 5, 7-8");
        assert_eq!(ranges([3].into_iter()), "3");
    }
}
