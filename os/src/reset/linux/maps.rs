//! Finds out what is mapped: by a query for one mapping after another (`PROCMAP_QUERY`, Linux
//! 6.11), or by reading all of /proc/self/maps.

use std::ffi::CStr;
use std::io::Read;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rustix::fd::BorrowedFd;
use rustix::io::Errno;
use rustix::ioctl::{Updater, ioctl, opcode};

use super::super::ResetError;
use super::{Range, is_unknown, open, release};

pub(super) const UNAVAILABLE: ResetError =
    ResetError::Unavailable { reason: "/proc/self/maps, which reports what is mapped" };

/// Describes a range that is mapped, readable and writable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Survey {
    /// Whether all of it is anonymous and private.
    pub(super) anonymous: bool,
    /// Number of mappings that it spans.
    pub(super) mappings: usize,
    /// Whether a lock was found, if locks were looked for and are visible.
    pub(super) locked: bool,
}

/// Describes a mapping by what a survey needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mapping {
    start: usize,
    end: usize,
    /// Readable and writable.
    open: bool,
    anonymous: bool,
}

const MAPS: &CStr = c"/proc/self/maps";

static ANSWERS: AtomicBool = AtomicBool::new(true);

/// Returns whether the kernel answers queries, as far as known; if not, all mappings are read.
pub(super) fn answers() -> bool {
    ANSWERS.load(Relaxed)
}

/// Surveys a non-empty range, and looks for locks if `locks`; returns `None` if the system does not
/// report what is mapped.
pub(super) fn survey(range: Range, locks: bool) -> Result<Option<Survey>, ResetError> {
    let Some(maps) = open(MAPS) else { return Ok(None) };
    if answers() {
        match by_queries(maps.as_fd(), Surveyor::new(range, locks)) {
            Ok(surveyed) => return surveyed.map(Some),
            Err(error) if is_unknown(error) => ANSWERS.store(false, Relaxed),
            Err(_) => {}
        }
    }
    read(maps, Surveyor::new(range, locks)).transpose()
}

/// Holds the state of a survey.
struct Surveyor {
    at: usize,
    end: usize,
    /// Whether to look for locks.
    locks: bool,
    survey: Survey,
}

impl Surveyor {
    fn new(range: Range, locks: bool) -> Self {
        let survey = Survey { anonymous: true, mappings: 0, locked: false };
        Self { at: range.start, end: range.end, locks, survey }
    }

    /// Adds the next mapping in the order of addresses, the first of which contains the start of
    /// the range; returns `None` until the survey is complete.
    fn see(&mut self, mapping: Option<Mapping>) -> Option<Result<Survey, ResetError>> {
        match mapping {
            Some(mapping) if mapping.start <= self.at => {
                if !mapping.open {
                    return Some(Err(ResetError::Protected));
                }
                self.survey.anonymous &= mapping.anonymous;
                self.survey.mappings += 1;
                let part = self.at..mapping.end.min(self.end);
                self.survey.locked |= self.locks && release::is_locked(part);
                self.at = mapping.end;
                (self.at >= self.end).then_some(Ok(self.survey))
            }
            _ => Some(Err(ResetError::Unmapped)),
        }
    }
}

/// Surveys by one query for each mapping.
///
/// # Errors
/// The kernel's error if it does not answer a query.
fn by_queries(
    maps: BorrowedFd<'_>,
    mut surveyor: Surveyor,
) -> Result<Result<Survey, ResetError>, Errno> {
    loop {
        if let Some(surveyed) = surveyor.see(query(maps, surveyor.at)?) {
            return Ok(surveyed);
        }
    }
}

/// Mirrors `struct procmap_query` of linux/fs.h.
#[repr(C)]
#[derive(Default)]
struct Query {
    size: u64,
    flags: u64,
    address: u64,
    start: u64,
    end: u64,
    mapping_flags: u64,
    page_size: u64,
    offset: u64,
    inode: u64,
    major: u32,
    minor: u32,
    name_size: u32,
    build_id_size: u32,
    name: u64,
    build_id: u64,
}

/// Returns the mapping that contains `address`.
fn query(maps: BorrowedFd<'_>, address: usize) -> rustix::io::Result<Option<Mapping>> {
    const READ_AND_WRITE: u64 = 1 | 2;
    const SHARED: u64 = 8;
    const PROCMAP_QUERY: rustix::ioctl::Opcode = opcode::read_write::<Query>(b'f', 17);
    let size = size_of::<Query>() as u64;
    let mut query = Query { size, address: address as u64, ..Query::default() };
    // SAFETY: the number and the structure are those of this request. It writes nothing else, as
    // neither name nor build id is requested.
    match unsafe { ioctl(maps, Updater::<PROCMAP_QUERY, _>::new(&mut query)) } {
        Ok(()) => Ok(Some(Mapping {
            start: query.start as usize,
            end: query.end as usize,
            open: query.mapping_flags & READ_AND_WRITE == READ_AND_WRITE,
            anonymous: query.mapping_flags & SHARED == 0
                && (query.inode, query.major, query.minor) == (0, 0, 0),
        })),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Surveys by reading a list of mappings; returns `None` if it cannot be read.
fn read(mut maps: impl Read, mut surveyor: Surveyor) -> Option<Result<Survey, ResetError>> {
    /// Enough for the fields before the name.
    const HEAD: usize = 128;
    let (mut head, mut len) = ([0; HEAD], 0);
    let mut chunk = [0; 4096];
    loop {
        let read = match maps.read(&mut chunk) {
            Ok(0) => return surveyor.see(None),
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => return None,
        };
        for &byte in &chunk[..read] {
            if byte != b'\n' {
                if len < HEAD {
                    head[len] = byte;
                    len += 1;
                }
                continue;
            }
            let mapping = parse(&head[..len])?;
            len = 0;
            if mapping.end > surveyor.at {
                if let Some(surveyed) = surveyor.see(Some(mapping)) {
                    return Some(surveyed);
                }
            }
        }
    }
}

/// Parses "first-last access offset device inode name"; the name may be cut off.
fn parse(line: &[u8]) -> Option<Mapping> {
    let name = line.iter().enumerate().filter(|(_, byte)| **byte == b' ').nth(4);
    let line = std::str::from_utf8(&line[..name.map_or(line.len(), |(at, _)| at)]).ok()?;
    let mut words = line.split(' ');
    let (start, end) = words.next()?.split_once('-')?;
    let access = words.next()?.as_bytes();
    let device = words.nth(1)?;
    let inode = words.next()?;
    Some(Mapping {
        start: usize::from_str_radix(start, 16).ok()?,
        end: usize::from_str_radix(end, 16).ok()?,
        open: access.starts_with(b"rw"),
        anonymous: access.get(3) == Some(&b'p')
            && inode == "0"
            && device.bytes().all(|byte| matches!(byte, b'0' | b':')),
    })
}

/// Surveys `start..end` by a list of mappings: returns whether all of it is anonymous and private,
/// and how many mappings it spans. For the fuzzer.
#[cfg(fuzzing)]
pub fn survey_text(
    maps: impl Read,
    start: usize,
    end: usize,
) -> Option<Result<(bool, usize), ResetError>> {
    let range = Range { page: std::ptr::NonNull::dangling(), npages: 0, start, end };
    let surveyed = read(maps, Surveyor::new(range, false))?;
    Some(surveyed.map(|survey| (survey.anonymous, survey.mappings)))
}

/// Surveys this process like [`survey_text`], by the method that its kernel supports.
#[cfg(fuzzing)]
pub fn survey_self(start: usize, end: usize) -> Option<Result<(bool, usize), ResetError>> {
    let range = Range { page: std::ptr::NonNull::dangling(), npages: 0, start, end };
    let surveyed = survey(range, false).transpose()?;
    Some(surveyed.map(|survey| (survey.anonymous, survey.mappings)))
}

#[cfg(test)]
mod tests {
    use std::ptr::NonNull;

    use super::*;

    const LIST: &str = "\
00001000-00003000 r--p 00000000 fe:00 77                                 /a file
00003000-00005000 rw-p 00002000 fe:00 77                                 /a file
00005000-00006000 rw-p 00000000 00:00 0 
00006000-00008000 rw-p 00000000 00:00 0                                  [heap]
00009000-0000a000 rw-s 00000000 00:01 1029                               /dev/zero (deleted)
0000a000-0000b000 rw-s 00000000 00:00 0 
0000b000-0000d000 rwxp 00000000 00:00 0                                  [anon:name]
0000d000-0000e000 ---p 00000000 00:00 0 
";

    fn range(start: usize, end: usize) -> Surveyor {
        let range = Range { page: NonNull::dangling(), npages: 0, start, end };
        Surveyor::new(range, false)
    }

    /// Reads three bytes at a time, so that lines are split everywhere.
    struct Slowly(&'static [u8]);

    impl Read for Slowly {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let len = buffer.len().min(3);
            self.0.read(&mut buffer[..len])
        }
    }

    #[test]
    fn a_survey_reports_gaps_protection_and_files() {
        let good = |anonymous, mappings| Ok(Survey { anonymous, mappings, locked: false });
        for (start, end, survey) in [
            (0x5000, 0x6000, good(true, 1)),
            (0x5000, 0x8000, good(true, 2)),
            (0x6800, 0x7000, good(true, 1)),
            (0x4000, 0x5000, good(false, 1)),
            (0x4000, 0x6000, good(false, 2)),
            (0x9000, 0xa000, good(false, 1)),
            (0xa000, 0xb000, good(false, 1)),
            (0xb000, 0xd000, good(true, 1)),
            (0x2000, 0x4000, Err(ResetError::Protected)),
            (0xc000, 0xe000, Err(ResetError::Protected)),
            (0x0000, 0x2000, Err(ResetError::Unmapped)),
            (0x7000, 0xa000, Err(ResetError::Unmapped)),
            (0xb000, 0xf000, Err(ResetError::Protected)),
            (0xf000, 0x10000, Err(ResetError::Unmapped)),
        ] {
            let all = read(LIST.as_bytes(), range(start, end));
            assert_eq!(all, Some(survey), "{start:x}-{end:x}");
            let slowly = read(Slowly(LIST.as_bytes()), range(start, end));
            assert_eq!(slowly, Some(survey), "{start:x}-{end:x}");
        }
    }

    #[test]
    fn a_malformed_list_is_not_believed() {
        let long = format!("{} rw-p 0 0:0 0\n", "1".repeat(200));
        for text in ["\n", "nonsense\n", "1000-2000\n", "1000-x rw-p 0 0:0 0\n", &long] {
            assert_eq!(read(text.as_bytes(), range(0x1000, 0x2000)), None, "{text}");
        }
    }

    #[test]
    fn a_name_may_be_cut_off_within_a_character() {
        let text = format!("1000-2000 rw-p 0 fe:0 1 {}\n2000-3000 rw-p 0 0:0 0\n", "é".repeat(99));
        let survey = Survey { anonymous: true, mappings: 1, locked: false };
        assert_eq!(read(text.as_bytes(), range(0x2000, 0x3000)), Some(Ok(survey)));
    }

    #[test]
    fn a_query_reports_what_the_list_contains() {
        static STATIC: u8 = 1;
        let (boxed, local) = (Box::new(1_u8), 1_u8);
        let code = a_query_reports_what_the_list_contains as fn() as usize;
        let data =
            [&raw const STATIC, &raw const *boxed, &raw const local].map(|byte| byte as usize);
        for address in data.into_iter().chain([code, 4096]) {
            let range = || range(address, address + 1);
            let maps = open(MAPS).unwrap();
            // Before Linux 6.11 there are no queries.
            if let Ok(queried) = by_queries(maps.as_fd(), range()) {
                assert_eq!(read(maps, range()), Some(queried), "{address:x}");
            }
        }
    }
}
