//! Linux's list of mappings and its page map. Malformed input causes no panic, well-formed input is
//! parsed correctly, and both ways to query the mappings agree.
#![no_main]

use std::fmt::Write;
use std::io::Read;
use std::sync::LazyLock;

use arbitrary::Arbitrary;
use clearpage_os::reset::{ResetError, survey_self, survey_text, touched_runs};
use libfuzzer_sys::fuzz_target;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
use rustix::param::page_size;

#[derive(Arbitrary, Debug)]
enum Input {
    /// A list of mappings, read in pieces of any length.
    Maps { mappings: Vec<Mapping>, pieces: Vec<u8>, start: u16, len: u16 },
    /// Any text instead of a list.
    Text { text: Vec<u8>, pieces: Vec<u8>, start: u32, len: u32 },
    /// Mappings of this process.
    Mapped { mappings: Vec<(u8, Rights)>, start: u16, len: u16 },
    /// Words of the page map.
    Words { words: Vec<Word>, first: u16 },
}

#[derive(Arbitrary, Debug)]
struct Mapping {
    /// The units between the previous mapping and this one.
    gap: u8,
    units: u8,
    access: [bool; 4],
    device: (u8, u8),
    inode: u32,
    name: Vec<u8>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Rights {
    Nothing,
    Read,
    Write,
    Shared,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Word {
    Untouched,
    Present(u64),
    Swapped(u64),
    Any(u64),
}

type Surveyed = Result<(bool, usize), ResetError>;

fuzz_target!(|input: Input| match input {
    Input::Maps { mappings, pieces, start, len } => maps(&mappings, &pieces, start, len),
    Input::Text { text, pieces, start, len } => any_text(&text, &pieces, start, len),
    Input::Mapped { mappings, start, len } => mapped(&mappings, start, len),
    Input::Words { words, first } => pagemap(&words, first),
});

/// A reader that returns pieces of the given lengths.
struct Pieces<'a> {
    text: &'a [u8],
    lengths: std::iter::Cycle<std::slice::Iter<'a, u8>>,
}

impl<'a> Pieces<'a> {
    fn new(text: &'a [u8], lengths: &'a [u8]) -> Self {
        Self { text, lengths: lengths.iter().cycle() }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let len = self.lengths.next().map_or(usize::MAX, |&len| usize::from(len).max(1));
        let len = len.min(buffer.len());
        self.text.read(&mut buffer[..len])
    }
}

/// A parsed mapping: first address, end, readable and writable, anonymous and private.
type Meaning = (usize, usize, bool, bool);

/// Returns the expected survey of `start..end`.
fn expected(mappings: &[Meaning], start: usize, end: usize) -> Surveyed {
    let (mut at, mut anonymous, mut count) = (start, true, 0);
    for &(first, last, open, private) in mappings.iter().filter(|mapping| mapping.1 > start) {
        if at >= end {
            break;
        }
        if first > at {
            return Err(ResetError::Unmapped);
        }
        if !open {
            return Err(ResetError::Protected);
        }
        anonymous &= private;
        count += 1;
        at = last;
    }
    if at >= end { Ok((anonymous, count)) } else { Err(ResetError::Unmapped) }
}

fn maps(mappings: &[Mapping], pieces: &[u8], start: u16, len: u16) {
    const UNIT: usize = 16;
    let (mut text, mut meanings, mut at) = (Vec::new(), Vec::new(), UNIT);
    for Mapping { gap, units, access, device, inode, name } in mappings {
        let first = at + usize::from(*gap) * UNIT;
        at = first + (1 + usize::from(*units)) * UNIT;
        let letter = |set, letter| if set { letter } else { '-' };
        let [read, write, execute, shared] = *access;
        let (letters, last) =
            ([(read, 'r'), (write, 'w'), (execute, 'x')], if shared { 's' } else { 'p' });
        let mut line = format!("{first:08x}-{at:08x} ");
        line.extend(letters.map(|(set, name)| letter(set, name)));
        let _ = write!(line, "{last} {:08x} {:02x}:{:02x} {inode} ", first * 3, device.0, device.1);
        text.extend(line.into_bytes());
        // The kernel escapes line breaks in a name.
        text.extend(name.iter().map(|&byte| if byte == b'\n' { b'?' } else { byte }));
        text.push(b'\n');
        meanings.push((first, at, read && write, !shared && (*device, *inode) == ((0, 0), 0)));
    }
    let (start, end) = (usize::from(start), usize::from(start) + usize::from(len).max(1));
    let survey = survey_text(Pieces::new(&text, pieces), start, end);
    assert_eq!(survey, Some(expected(&meanings, start, end)), "{start:x}-{end:x}: {text:?}");
}

fn any_text(text: &[u8], pieces: &[u8], start: u32, len: u32) {
    let (start, end) = (start as usize, start as usize + (len as usize).max(1));
    let survey = survey_text(Pieces::new(text, pieces), start, end);
    assert_eq!(survey, survey_text(text, start, end), "in pieces");
    if let Some(Ok((_, mappings))) = survey {
        let lines = text.split(|&byte| byte == b'\n').count() - 1;
        assert!((1..=lines).contains(&mappings), "{mappings} mappings of {lines} lines");
    }
}

/// The number of pages that are mapped in different ways.
const PAGES: usize = 64;

/// The address of these pages.
static ARENA: LazyLock<usize> = LazyLock::new(|| {
    // SAFETY: a new mapping at any free address.
    let arena = unsafe {
        mmap_anonymous(
            std::ptr::null_mut(),
            PAGES * page_size(),
            ProtFlags::empty(),
            MapFlags::PRIVATE | MapFlags::NORESERVE,
        )
    };
    arena.expect("addresses").expose_provenance()
});

fn mapped(mappings: &[(u8, Rights)], start: u16, len: u16) {
    let map = |at: usize, pages: usize, rights| {
        let (access, shared) = match rights {
            Rights::Nothing => (ProtFlags::empty(), false),
            Rights::Read => (ProtFlags::READ, false),
            Rights::Write => (ProtFlags::READ | ProtFlags::WRITE, false),
            Rights::Shared => (ProtFlags::READ | ProtFlags::WRITE, true),
        };
        let how = if shared { MapFlags::SHARED } else { MapFlags::PRIVATE };
        let place = std::ptr::with_exposed_provenance_mut(*ARENA + at * page_size());
        // SAFETY: the pages are in the arena, and hold no data.
        unsafe { mmap_anonymous(place, pages * page_size(), access, how | MapFlags::FIXED) }
            .expect("mappings");
    };
    let mut kinds = [Rights::Nothing; PAGES];
    map(0, PAGES, Rights::Nothing);
    let mut at = 0;
    for &(pages, rights) in mappings {
        let pages = (1 + usize::from(pages) % 16).min(PAGES - at);
        if pages == 0 {
            break;
        }
        map(at, pages, rights);
        kinds[at..at + pages].fill(rights);
        at += pages;
    }
    // Any range of bytes.
    let size = PAGES * page_size();
    let first = usize::from(start) * 5 % size;
    let last = first + 1 + usize::from(len) * 5 % (size - first);
    let (start, end) = (*ARENA + first, *ARENA + last);
    let list = std::fs::File::open("/proc/self/maps").expect("Linux has it");
    let read = survey_text(list, start, end).expect("a list of mappings");
    assert_eq!(survey_self(start, end), Some(read), "{start:x}-{end:x}: {kinds:?}");
    let pages = &kinds[first / page_size()..=(last - 1) / page_size()];
    let writable = |rights: &Rights| matches!(rights, Rights::Write | Rights::Shared);
    match read {
        Ok((anonymous, mappings)) => {
            assert!(pages.iter().all(writable), "{kinds:?}");
            assert_eq!(anonymous, !pages.iter().any(|rights| matches!(rights, Rights::Shared)));
            assert!((1..=pages.len()).contains(&mappings));
        }
        Err(error) => {
            assert_eq!(error, ResetError::Protected);
            assert!(!pages.iter().all(writable), "{kinds:?}");
        }
    }
}

fn pagemap(words: &[Word], first: u16) {
    const SIZE: usize = 4096;
    const PRESENT: u64 = 1 << 63;
    const SWAPPED: u64 = 1 << 62;
    const STRANGE: u64 = 0b1111 << 58;
    let words: Vec<u64> = words
        .iter()
        .map(|word| match *word {
            Word::Untouched => 0,
            Word::Present(frame) => PRESENT | (frame >> 9),
            Word::Swapped(place) => SWAPPED | (place >> 9),
            Word::Any(word) => word,
        })
        .collect();
    let start = usize::from(first) * SIZE;
    let bytes: Vec<_> = words.iter().map(|word| word.to_ne_bytes()).collect();
    let (runs, believed) = touched_runs(&bytes, start, SIZE);
    let strange = words.iter().position(|word| word & STRANGE != 0);
    assert_eq!(believed, strange.map_or(Ok(()), |at| Err(start + at * SIZE)));
    let mut reported = vec![None; words.len()];
    let mut end = start;
    for (first, last, swapped) in runs {
        assert!(end <= first && first < last, "{first:x}-{last:x} after {end:x}");
        end = last;
        reported[(first - start) / SIZE..(last - start) / SIZE].fill(Some(swapped));
    }
    let known = &words[..strange.unwrap_or(words.len())];
    for (at, word) in words.iter().enumerate() {
        let touched = at < known.len() && word & (PRESENT | SWAPPED) != 0;
        assert_eq!(reported[at], touched.then_some(word & SWAPPED != 0), "page {at}: {word:x}");
    }
}
