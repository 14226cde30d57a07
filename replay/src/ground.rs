//! The memory of a replay. It is touched before the clock starts, on huge pages if available.

use std::time::Duration;

use clearpage::{Page, cpu};
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};

use crate::arena::BLOCK;
use crate::kronecker::SCALES;
use clearpage_cli::UserError;
use clearpage_cli::harness::Backing;
use clearpage_cli::harness::memory::{self, Arena};
use clearpage_cli::harness::room::Room;
use clearpage_cli::harness::units::{about, format_size};

/// Memory, and the pages that back it.
pub struct Ground {
    memory: Arena,
    pub kind: Kind,
}

/// The amount and the backing of the memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kind {
    pub bytes: u64,
    /// The pages that map most of it.
    pub backing: Backing,
    /// The share that huge pages map, if the system reports it.
    pub huge_share: Option<f64>,
}

impl Kind {
    pub fn words(&self) -> String {
        let pages = match self.backing {
            Backing::Hugetlb => "reserved huge pages (MAP_HUGETLB)",
            Backing::Thp => "transparent huge pages",
            Backing::Base => "the system's smallest pages",
        };
        let share = self.huge_share.filter(|_| self.backing != Backing::Hugetlb);
        let share = share.map_or(String::new(), |share| format!(", {:.0} % huge", 100.0 * share));
        format!("{} of {pages}{share}", format_size(self.bytes))
    }
}

impl Ground {
    /// Maps memory, on transparent huge pages if available, and touches it.
    ///
    /// # Errors
    /// Not enough memory is available.
    pub fn take(bytes: usize) -> Result<Self, UserError> {
        let mut memory = patiently(bytes, || Arena::touched(bytes, Backing::Thp))?;
        let (start, bytes) = (memory.pages().as_ptr().addr(), size_of_val(memory.pages()));
        let smaps = std::fs::read_to_string("/proc/self/smaps").ok();
        let huge_share = smaps.and_then(|text| huge_share(&text, start..start + bytes));
        let backing = match huge_share {
            Some(share) if share < 0.5 => Backing::Base,
            _ => Backing::Thp,
        };
        Ok(Self { memory, kind: Kind { bytes: bytes as u64, backing, huge_share } })
    }

    /// Maps `least` to `most` bytes of reserved huge pages, if that many are free.
    pub fn reserved(least: usize, most: usize) -> Option<Self> {
        let (free, page) = memory::reserved()?;
        let bytes = free.min(most) / page * page;
        if bytes < least.max(BLOCK) {
            return None;
        }
        let memory = patiently(bytes, || Arena::touched(bytes, Backing::Hugetlb)).ok()?;
        let kind = Kind { bytes: bytes as u64, backing: Backing::Hugetlb, huge_share: Some(1.0) };
        Some(Self { memory, kind })
    }

    pub fn pages(&mut self) -> &mut [Page] {
        self.memory.pages()
    }
}

/// Shows a spinner while `work` touches `bytes`.
fn patiently<R>(bytes: usize, work: impl FnOnce() -> R) -> R {
    let spinner = ProgressBar::new_spinner();
    spinner.set_message(format!("touching {}", format_size(bytes as u64)));
    spinner.enable_steady_tick(Duration::from_millis(200));
    let result = work();
    spinner.finish_and_clear();
    result
}

/// Returns the bytes to touch before a block is reused, so that no cache still holds it.
pub fn slack() -> u64 {
    (4 * cpu::caches().l3 as u64).max(64 << 20)
}

/// Returns the bytes that a workload needs at `scale`, plus the slack.
///
/// # Errors
/// Less memory is free; the message names the largest scale that fits.
pub fn for_scale(scale: u32, need: impl Fn(u32) -> u64) -> Result<usize, UserError> {
    bytes_for(scale, &Room::free(), |scale| need(scale) + slack())
}

fn bytes_for(scale: u32, room: &Room, need: impl Fn(u32) -> u64) -> Result<usize, UserError> {
    let fits = |scale| need(scale) <= room.most as u64;
    if fits(scale) {
        return Ok(need(scale) as usize);
    }
    let largest = (*SCALES.start()..scale).rev().find(|&scale| fits(scale));
    let largest = largest.map_or("no scale fits".to_owned(), |largest| {
        format!("the largest scale that fits is {largest}")
    });
    Err(UserError(format!(
        "--scale {scale}: needs {}, which is more than {}; {largest}",
        about(need(scale)),
        room.why
    )))
}

/// Returns the share of `range` that huge pages map, from the text of `/proc/PID/smaps`
/// (proc_pid_smaps(5)).
fn huge_share(smaps: &str, range: std::ops::Range<usize>) -> Option<f64> {
    let (mut all, mut huge, mut inside) = (0, 0, false);
    for line in smaps.lines() {
        let (first, rest) = line.split_once(' ')?;
        if let Some((start, end)) = first.split_once('-') {
            let [start, end] = [start, end].map(|text| usize::from_str_radix(text, 16));
            inside = start.ok()? < range.end && range.start < end.ok()?;
        } else if inside {
            let kilobytes = || rest.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok();
            match first {
                "Rss:" => all += kilobytes()?,
                "AnonHugePages:" => huge += kilobytes()?,
                _ => (),
            }
        }
    }
    (all > 0).then(|| huge as f64 / all as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_of_a_too_large_scale_names_one_that_fits() {
        let need = |scale: u32| 1 << (scale + 10);
        let room = |most: usize| Room { most, why: "what there is".to_owned() };
        assert_eq!(bytes_for(10, &room(1 << 20), need).unwrap(), 1 << 20);
        let UserError(message) = bytes_for(14, &room((2 << 20) + 5), need).unwrap_err();
        for words in ["--scale 14", "needs 16.0 MiB", "what there is", "that fits is 11"] {
            assert!(message.contains(words), "{message}");
        }
        assert!(bytes_for(14, &room(5), need).unwrap_err().0.contains("no scale fits"));
    }

    #[test]
    fn huge_pages_are_counted_inside_the_range() {
        let smaps = "\
40000000-40400000 rw-p 00000000 00:00 0 \n\
Size:               4096 kB\nRss:                4096 kB\nAnonHugePages:      2048 kB\n\
VmFlags: rd wr mr mw me ac sd hg \n\
40600000-40800000 rw-p 00000000 00:00 0  [heap]\n\
Rss:                2048 kB\nAnonHugePages:         0 kB\n";
        let start = 0x4000_0000;
        assert_eq!(huge_share(smaps, start..start + 1), Some(0.5));
        assert_eq!(huge_share(smaps, start + 0x60_0000..start + 0x60_0001), Some(0.0));
        assert_eq!(huge_share(smaps, start..start + 0x100_0000), Some(1.0 / 3.0));
        assert_eq!(huge_share(smaps, 0..1), None);
    }

    #[test]
    fn memory_is_described_by_size_and_backing() {
        let mut ground = Ground::take(1).unwrap();
        assert_eq!(ground.kind.bytes, BLOCK as u64);
        assert_eq!(size_of_val(ground.pages()), BLOCK);
        let told = Kind { bytes: 4 << 30, backing: Backing::Thp, huge_share: Some(0.99) };
        assert_eq!(told.words(), "4 GiB of transparent huge pages, 99 % huge");
        let told = Kind { backing: Backing::Hugetlb, huge_share: Some(1.0), ..told };
        assert_eq!(told.words(), "4 GiB of reserved huge pages (MAP_HUGETLB)");
    }
}
