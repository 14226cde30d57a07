//! How much memory a measurement may take.

use clearpage::PAGE_SIZE;

use super::machine::{self, Memory};
use super::memory::reserved;
use super::units::about;
use crate::report::Backing;

/// The memory that one thread may take.
#[derive(Clone, Debug)]
pub struct Room {
    /// Bytes. A tenth of the free memory is left to other programs.
    pub most: usize,
    /// The limit in words, for a message: "18.3 GiB (nine tenths of the free memory)".
    pub why: String,
}

impl Room {
    /// Returns the room of one thread in the free memory of this machine.
    pub fn free() -> Self {
        Self::of(Backing::Thp, &machine::memory(), 1)
    }

    /// Returns the room of each of `threads` threads in `memory`, or in the reserved huge pages.
    pub fn of(backing: Backing, memory: &Memory, threads: usize) -> Self {
        let (all, mut what) = match backing {
            Backing::Hugetlb => {
                // By whole pages a thread.
                let (free, page) = reserved().unwrap_or((0, PAGE_SIZE));
                (free / page / threads * page * threads, "the reserved huge pages".to_owned())
            }
            _ => {
                let most = (memory.available / 10 * 9).min(isize::MAX as u64) as usize;
                let limit = memory.group.as_ref();
                let limit = limit.map(|group| format!(" below the limit of control group {group}"));
                let limit = limit.unwrap_or_default();
                (most, format!("nine tenths of the free memory{limit}"))
            }
        };
        if threads > 1 {
            what += &format!(", for each of {threads} threads");
        }
        let most = all / threads;
        Self { most, why: format!("{} ({what})", about(most as u64)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_a_control_group_is_named() {
        let group = Some("/job".to_owned());
        let memory = Memory { total: 1 << 30, available: 100 << 20, group };
        let room = Room::of(Backing::Thp, &memory, 2);
        assert_eq!(room.most >> 20, 45);
        let limit = "45.0 MiB (nine tenths of the free memory below the limit of control group /job, \
                     for each of 2 threads)";
        assert_eq!(room.why, limit);
    }
}
