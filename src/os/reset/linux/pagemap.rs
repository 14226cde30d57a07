//! What was touched, as the page tables say: by scanning them (`PAGEMAP_SCAN`, Linux 6.7), or by
//! reading the word of each page in /proc/self/pagemap.

use std::ffi::CStr;
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rustix::fd::BorrowedFd;
use rustix::io::retry_on_intr;
use rustix::ioctl::{Opcode, Updater, ioctl, opcode};
use rustix::param::page_size;

use super::super::ResetError;
use super::trial::{Trial, Verdict};
use super::{is_unknown, open};

pub(super) const UNAVAILABLE: ResetError =
    ResetError::Unavailable { reason: "/proc/self/pagemap, which tells what was touched" };

/// Pages of the system that were touched, one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Of huge pages.
    pub(super) huge: bool,
    /// Not in memory.
    pub(super) swapped: bool,
}

/// Whether the system tells what was touched, and tells it of the memory that we see.
pub(super) fn tells() -> bool {
    static VERDICT: Verdict = Verdict::new();
    VERDICT.get(|trial| {
        let fresh = touched(trial);
        trial.touch();
        fresh == Some(0) && touched(trial) == Some(0xaaaa)
    })
}

/// By bits, which pages of a trial were touched and are in memory.
fn touched(trial: &Trial) -> Option<u16> {
    let start = trial.page(0).addr();
    let mut touched = 0;
    walk(start, trial.page(Trial::PAGES).addr(), |run| {
        let pages = (run.start - start) / page_size()..(run.end - start) / page_size();
        touched |= pages.filter(|_| !run.swapped).fold(0, |bits, at| bits | 1 << at);
    })
    .ok()?;
    Some(touched)
}

const PAGEMAP: &CStr = c"/proc/self/pagemap";

static SCANS: AtomicBool = AtomicBool::new(true);

/// Calls `each` for what was touched in `start..end`, from the system's page that `start` is in to
/// the one before `end`, in the order of addresses.
///
/// # Errors
/// The address from which on the system does not tell.
pub(super) fn walk(start: usize, end: usize, mut each: impl FnMut(Run)) -> Result<(), usize> {
    let mut at = start & !(page_size() - 1);
    let whole_end = end.next_multiple_of(page_size());
    let pagemap = open(PAGEMAP).ok_or(start)?;
    // A run may begin and end outside, in a page of the system that is larger than ours.
    let mut each =
        |run: Run| each(Run { start: run.start.max(start), end: run.end.min(end), ..run });
    while SCANS.load(Relaxed) && at < whole_end {
        let mut regions = [Region::default(); REGIONS];
        match scan(pagemap.as_fd(), at, whole_end, &mut regions) {
            Ok(reached) if reached > at => at = reached,
            Ok(_) => return Err(at.max(start)),
            Err(error) => {
                if is_unknown(error) {
                    SCANS.store(false, Relaxed);
                }
                break;
            }
        }
        regions.iter().take_while(|region| region.end != 0).map(Region::run).for_each(&mut each);
    }
    if at < whole_end {
        read(&pagemap, at, whole_end, each).map_err(|at| at.max(start))?;
    }
    Ok(())
}

/// Regions of one scan: more of them do not make it faster.
const REGIONS: usize = 128;

const PRESENT: u64 = 1 << 3;
const SWAPPED: u64 = 1 << 4;
const ZERO_PAGE: u64 = 1 << 5;
const HUGE_PAGE: u64 = 1 << 6;

/// `struct page_region` of the kernel's interface.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Region {
    start: u64,
    end: u64,
    categories: u64,
}

impl Region {
    fn run(&self) -> Run {
        Run {
            start: self.start as usize,
            end: self.end as usize,
            huge: self.categories & HUGE_PAGE != 0,
            swapped: self.categories & SWAPPED != 0,
        }
    }
}

/// `struct pm_scan_arg` of the kernel's interface.
#[repr(C)]
#[derive(Default)]
struct Scan {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    regions: u64,
    regions_len: u64,
    max_pages: u64,
    inverted: u64,
    all_of: u64,
    any_of: u64,
    told: u64,
}

/// Fills `regions` with what was touched in whole pages of the system; returns how far it came.
fn scan(
    pagemap: BorrowedFd<'_>,
    start: usize,
    end: usize,
    regions: &mut [Region; REGIONS],
) -> rustix::io::Result<usize> {
    const PAGEMAP_SCAN: Opcode = opcode::read_write::<Scan>(b'f', 16);
    let mut scan = Scan {
        size: size_of::<Scan>() as u64,
        start: start as u64,
        end: end as u64,
        regions: regions.as_mut_ptr().expose_provenance() as u64,
        regions_len: REGIONS as u64,
        // A page that was only read is the one page of zeroes.
        inverted: ZERO_PAGE,
        all_of: ZERO_PAGE,
        any_of: PRESENT | SWAPPED,
        told: SWAPPED | HUGE_PAGE,
        ..Scan::default()
    };
    // SAFETY: the number and the structure are those of this request, which writes to it and to no
    // more regions than there are.
    retry_on_intr(|| unsafe { ioctl(pagemap, Updater::<PAGEMAP_SCAN, _>::new(&mut scan)) })?;
    Ok(scan.walk_end as usize)
}

/// What [`walk`] does, by the words of the file.
fn read(pagemap: &File, start: usize, end: usize, mut each: impl FnMut(Run)) -> Result<(), usize> {
    const WORDS: usize = 512;
    let mut at = start;
    let mut words = [[0; 8]; WORDS];
    while at < end {
        let words = &mut words[..WORDS.min((end - at) / page_size())];
        let place = (at / page_size()) as u64 * 8;
        pagemap.read_exact_at(words.as_flattened_mut(), place).map_err(|_| at)?;
        runs(words, at, page_size(), &mut each)?;
        at += words.len() * page_size();
    }
    Ok(())
}

/// Tells of the pages that have `words`, from address `at` on, `size` bytes each.
///
/// # Errors
/// The address of a page that has no word of an anonymous page: where the emulator's byte order is
/// not its machine's, numbers of page frames stand where these bits should.
fn runs(
    words: &[[u8; 8]],
    mut at: usize,
    size: usize,
    each: &mut impl FnMut(Run),
) -> Result<(), usize> {
    const PRESENT: u64 = 1 << 63;
    /// Swapped out, or on its way.
    const SWAPPED: u64 = 1 << 62;
    /// Of a file, without a meaning, and where nothing may be touched.
    const STRANGE: u64 = 0b1111 << 58;
    let mut run: Option<Run> = None;
    for word in words.iter().map(|word| u64::from_ne_bytes(*word)) {
        if word & STRANGE != 0 {
            run.map(each);
            return Err(at);
        }
        let swapped = word & SWAPPED != 0;
        if swapped || word & PRESENT != 0 {
            match &mut run {
                Some(run) if run.swapped == swapped => run.end += size,
                _ => {
                    let new = Run { start: at, end: at + size, huge: false, swapped };
                    run.replace(new).map(&mut *each);
                }
            }
        } else {
            run.take().map(&mut *each);
        }
        at += size;
    }
    run.map(each);
    Ok(())
}

/// Returns the runs of pages that `words` report as touched: first address, end, whether swapped
/// out. For the fuzzer.
#[cfg(fuzzing)]
pub fn touched_runs(
    words: &[[u8; 8]],
    at: usize,
    size: usize,
) -> (Vec<(usize, usize, bool)>, Result<(), usize>) {
    let mut told = Vec::new();
    let believed = runs(words, at, size, &mut |run| told.push((run.start, run.end, run.swapped)));
    (told, believed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First page, last page, swapped.
    type Told = (usize, usize, bool);

    fn told(words: &[u64]) -> (Vec<Told>, Result<(), usize>) {
        let mut told = Vec::new();
        let words: Vec<_> = words.iter().map(|word| word.to_ne_bytes()).collect();
        let believed = runs(&words, 0x1000, 16, &mut |run| {
            assert!(!run.huge);
            told.push(((run.start - 0x1000) / 16, (run.end - 0x1000) / 16, run.swapped));
        });
        (told, believed.map_err(|at| (at - 0x1000) / 16))
    }

    const IN: u64 = 1 << 63;
    const OUT: u64 = 1 << 62;

    #[test]
    fn words_become_runs() {
        let runs = |words: &[u64]| {
            let (told, believed) = told(words);
            assert_eq!(believed, Ok(()));
            told
        };
        assert_eq!(runs(&[]), []);
        assert_eq!(runs(&[0, 0]), []);
        assert_eq!(runs(&[IN]), [(0, 1, false)]);
        assert_eq!(runs(&[0, IN, IN, 0, IN]), [(1, 3, false), (4, 5, false)]);
        // Swapped out is touched: it comes back with what it held.
        assert_eq!(runs(&[OUT, OUT, 0]), [(0, 2, true)]);
        assert_eq!(runs(&[IN, OUT, OUT, IN]), [(0, 1, false), (1, 3, true), (3, 4, false)]);
        // Frame number or swap place, soft-dirty (55), exclusive (56), write-protected (57): none
        // of them says that a page is there.
        let others = (1 << 58) - 1;
        assert_eq!(runs(&[others, IN | others, OUT | others]), [(1, 2, false), (2, 3, true)]);
    }

    #[test]
    fn strange_words_are_not_believed() {
        for bit in 58..62 {
            let (told, believed) = told(&[IN, IN, IN | 1 << bit, IN]);
            assert_eq!((told, believed), (vec![(0, 2, false)], Err(2)));
        }
        // Two pages in memory, read in the wrong byte order.
        let swapped = [0x8180_0000_0012_3477_u64, 0x8180_0000_0012_3478].map(u64::swap_bytes);
        assert_eq!(told(&swapped), (vec![], Err(0)));
    }

    /// Both ways on memory of every second page, where the system tells.
    #[test]
    fn both_ways_agree() {
        if !tells() {
            return;
        }
        let size = page_size();
        let mut memory = vec![0_u8; 9 * size];
        let start = memory.as_ptr().addr().next_multiple_of(size);
        let skipped = start - memory.as_ptr().addr();
        memory[skipped + 2 * size] = 1;
        let end = start + 8 * size;
        let (mut walked, mut by_words) = (Vec::new(), Vec::new());
        walk(start, end, |run| walked.push((run.start, run.end))).unwrap();
        let pagemap = open(PAGEMAP).unwrap();
        read(&pagemap, start, end, |run| by_words.push((run.start, run.end))).unwrap();
        let holds = |runs: &[(usize, usize)]| {
            runs.iter().any(|&(first, last)| (first..last).contains(&(start + 2 * size)))
        };
        assert!(holds(&walked) && holds(&by_words), "{walked:x?} {by_words:x?}");
    }

    /// A range within the system's pages, as where they are larger than ours.
    #[test]
    fn runs_end_where_the_range_does() {
        if !tells() {
            return;
        }
        let size = page_size();
        let memory = vec![1_u8; 5 * size];
        let first = memory.as_ptr().addr().next_multiple_of(size);
        let (start, end) = (first + 16, first + 3 * size - 16);
        let mut at = start;
        walk(start, end, |run| {
            assert_eq!(run.start, at);
            at = run.end;
        })
        .unwrap();
        assert_eq!(at, end);
    }
}
