//! Finds touched pages in the page tables: by scanning them (`PAGEMAP_SCAN`, Linux 6.7), or by
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
    ResetError::Unavailable { reason: "/proc/self/pagemap, which reports what was touched" };

/// Describes adjacent pages of the system that were touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether they are huge pages.
    pub(super) huge: bool,
    /// Whether they are not in memory.
    pub(super) swapped: bool,
}

/// Returns whether the system reports touched pages, and those of the memory that we see.
pub(super) fn reports() -> bool {
    static VERDICT: Verdict = Verdict::new();
    VERDICT.get(|trial| {
        let fresh = touched(trial);
        trial.touch();
        fresh == Some(0) && touched(trial) == Some(0xaaaa)
    })
}

/// Returns a bit for each page of a trial that was touched and is in memory.
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

/// Calls `each` for the touched parts of `start..end`, in the order of addresses. Whole pages of
/// the system are scanned, and the runs are clipped to the range.
///
/// # Errors
/// Returns the address from which on the system does not report.
pub(super) fn walk(start: usize, end: usize, mut each: impl FnMut(Run)) -> Result<(), usize> {
    let mut at = start & !(page_size() - 1);
    let whole_end = end.next_multiple_of(page_size());
    let pagemap = open(PAGEMAP).ok_or(start)?;
    // A run may exceed the range within a page of the system that is larger than ours.
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

/// Number of regions per scan: more of them do not make it faster.
const REGIONS: usize = 128;

const PRESENT: u64 = 1 << 3;
const SWAPPED: u64 = 1 << 4;
const ZERO_PAGE: u64 = 1 << 5;
const HUGE_PAGE: u64 = 1 << 6;

/// Mirrors `struct page_region` of linux/fs.h.
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

/// Mirrors `struct pm_scan_arg` of linux/fs.h.
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
    reported: u64,
}

/// Fills `regions` with touched pages of the system; returns the end of what was scanned.
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
        // Excludes the shared zero page, which stands for a page that was only read.
        inverted: ZERO_PAGE,
        all_of: ZERO_PAGE,
        any_of: PRESENT | SWAPPED,
        reported: SWAPPED | HUGE_PAGE,
        ..Scan::default()
    };
    // SAFETY: the number and the structure are those of this request, which writes the structure
    // and at most `regions_len` regions.
    retry_on_intr(|| unsafe { ioctl(pagemap, Updater::<PAGEMAP_SCAN, _>::new(&mut scan)) })?;
    Ok(scan.walk_end as usize)
}

/// Implements [`walk`] by the words of the file.
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

/// Calls `each` for the touched pages among those of `words`, `size` bytes each, starting at `at`.
///
/// # Errors
/// Returns the address of the first page whose word is not that of an anonymous page. If an
/// emulator's byte order differs from its host's, bits of frame numbers appear in these places.
fn runs(
    words: &[[u8; 8]],
    mut at: usize,
    size: usize,
    each: &mut impl FnMut(Run),
) -> Result<(), usize> {
    const PRESENT: u64 = 1 << 63;
    /// Swapped out, or about to be.
    const SWAPPED: u64 = 1 << 62;
    /// Of a file or shared (61), reserved (60, 59), guard region (58): pagemap.rst of the kernel.
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

/// A run of touched pages: first address, end, whether they are swapped out.
#[cfg(any(fuzzing, test))]
type Touched = (usize, usize, bool);

/// Returns the runs of pages that `words` report as touched. For the fuzzer.
#[cfg(any(fuzzing, test))]
pub fn touched_runs(
    words: &[[u8; 8]],
    at: usize,
    size: usize,
) -> (Vec<Touched>, Result<(), usize>) {
    let mut touched = Vec::new();
    let believed = runs(words, at, size, &mut |run| {
        assert!(!run.huge, "the file does not report huge pages");
        touched.push((run.start, run.end, run.swapped));
    });
    (touched, believed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the runs of pages of 1 byte each, from address 0 on.
    fn runs(words: &[u64]) -> (Vec<Touched>, Result<(), usize>) {
        let words: Vec<_> = words.iter().map(|word| word.to_ne_bytes()).collect();
        touched_runs(&words, 0, 1)
    }

    const IN: u64 = 1 << 63;
    const OUT: u64 = 1 << 62;

    #[test]
    fn adjacent_touched_pages_become_one_run() {
        // Frame number or swap location, soft-dirty (55), exclusive (56), write-protected (57):
        // none of them means that a page is present.
        const OTHERS: u64 = (1 << 58) - 1;
        let cases: [(&[u64], &[Touched]); 7] = [
            (&[], &[]),
            (&[0, 0], &[]),
            (&[IN], &[(0, 1, false)]),
            (&[0, IN, IN, 0, IN], &[(1, 3, false), (4, 5, false)]),
            // A swapped-out page was touched: it returns with its contents.
            (&[OUT, OUT, 0], &[(0, 2, true)]),
            (&[IN, OUT, OUT, IN], &[(0, 1, false), (1, 3, true), (3, 4, false)]),
            (&[OTHERS, IN | OTHERS, OUT | OTHERS], &[(1, 2, false), (2, 3, true)]),
        ];
        for (words, expected) in cases {
            assert_eq!(runs(words), (expected.to_vec(), Ok(())), "{words:x?}");
        }
    }

    #[test]
    fn words_with_reserved_bits_are_not_believed() {
        for bit in 58..62 {
            let words = [IN, IN, IN | 1 << bit, IN];
            assert_eq!(runs(&words), (vec![(0, 2, false)], Err(2)), "bit {bit}");
        }
        // Two pages in memory, read in the wrong byte order.
        let swapped = [0x8180_0000_0012_3477_u64, 0x8180_0000_0012_3478].map(u64::swap_bytes);
        assert_eq!(runs(&swapped), (vec![], Err(0)));
    }

    #[test]
    fn scanning_and_reading_find_a_touched_page() {
        if !reports() {
            return;
        }
        let size = page_size();
        let mut memory = vec![0_u8; 9 * size];
        let start = memory.as_ptr().addr().next_multiple_of(size);
        let skipped = start - memory.as_ptr().addr();
        memory[skipped + 2 * size] = 1;
        let end = start + 8 * size;
        let (mut walked, mut by_words) = (Vec::new(), Vec::new());
        walk(start, end, |run| walked.push(run)).unwrap();
        let pagemap = open(PAGEMAP).unwrap();
        read(&pagemap, start, end, |run| by_words.push(run)).unwrap();
        let touched = start + 2 * size;
        for runs in [walked, by_words] {
            assert!(runs.iter().any(|run| run.start <= touched && touched < run.end), "{runs:x?}");
        }
    }

    /// The range begins and ends within pages of the system, as if those were larger than ours.
    #[test]
    fn runs_are_clipped_to_the_range() {
        if !reports() {
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
