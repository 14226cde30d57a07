//! What this system can do, found out without the crate: emulators of another machine's programs
//! tell of other memory than ours, or do nothing and say that they did.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use clearpage::PAGE_SIZE;
use rustix::ioctl::{Opcode, Updater, ioctl, opcode};
use rustix::mm::{Advice, madvise};
use rustix::param::page_size;

use crate::mapped::{Memory, unit};
use clearpage_testkit::say;

/// How many of the pages have such a word in /proc/self/pagemap.
pub fn count(memory: &Memory, is: fn(u64) -> bool) -> Option<usize> {
    let pagemap = File::open("/proc/self/pagemap").ok()?;
    let mut there = 0;
    for at in 0..memory.npages() {
        let mut word = [0; 8];
        let place = memory.start(at).addr() / page_size() * 8;
        pagemap.read_exact_at(&mut word, place as u64).ok()?;
        there += usize::from(is(u64::from_ne_bytes(word)));
    }
    Some(there)
}

/// In memory: bit 63. Of the others behind it none but 56 may be set, or it is no such word.
pub const PRESENT: fn(u64) -> bool = |word| word >> 57 == 1 << 6;
/// In swap: bit 62.
pub const SWAPPED: fn(u64) -> bool = |word| word >> 62 == 1;

fn once(cell: &OnceLock<bool>, what: &str, find_out: impl FnOnce(&mut Memory) -> bool) -> bool {
    *cell.get_or_init(|| {
        let found = find_out(&mut Memory::new(4 * unit() / PAGE_SIZE));
        if !found {
            say(&format!("reset: {what}"));
        }
        found
    })
}

/// Whether /proc/self/pagemap tells of our memory.
pub fn tells() -> bool {
    static TELLS: OnceLock<bool> = OnceLock::new();
    once(&TELLS, "skipped what was touched: this system does not tell", |memory| {
        let fresh = count(memory, PRESENT);
        memory.touch_all();
        fresh == Some(0) && count(memory, PRESENT) == Some(memory.npages())
    })
}

/// Whether it tells so of whole ranges at once, and of huge pages: `PAGEMAP_SCAN`.
pub fn scans() -> bool {
    static SCANS: OnceLock<bool> = OnceLock::new();
    tells()
        && once(&SCANS, "skipped what scanning tells: this system does not scan", |memory| {
            const PAGEMAP_SCAN: Opcode = opcode::read_write::<[u64; 12]>(b'f', 16);
            let (start, end) = (memory.start(0).addr() as u64, memory.start(1).addr() as u64);
            // Its own size, no flags, from where to where; nothing to be told.
            let mut scan = [96, 0, start, end, 0, 0, 0, 0, 0, 0, 0, 0];
            let pagemap = File::open("/proc/self/pagemap").unwrap();
            // SAFETY: the request of that number, which changes nothing else.
            unsafe { ioctl(&pagemap, Updater::<PAGEMAP_SCAN, _>::new(&mut scan)) }.is_ok()
        })
}

/// Whether memory is dropped.
pub fn drops() -> bool {
    static DROPS: OnceLock<bool> = OnceLock::new();
    once(&DROPS, "skipped dropping: this system does not drop", |memory| {
        memory.touch_all();
        let (start, len) = (memory.start(0), memory.npages() * PAGE_SIZE);
        // SAFETY: this mapping's, to which nobody refers.
        let advised = unsafe { madvise(start, len, Advice::LinuxDontNeed) };
        // SAFETY: as above.
        advised.is_ok() && unsafe { start.cast::<u8>().read_volatile() } == 0
    })
}
