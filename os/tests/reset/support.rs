//! What this system supports, found out without the crate: emulators of another machine may report
//! on memory that is not the guest's, or do nothing and report success.

use std::fs::File;
use std::sync::OnceLock;

use clearpage::PAGE_SIZE;
use clearpage_testkit::linux::unit;
use clearpage_testkit::say;
use rustix::ioctl::{Opcode, Updater, ioctl, opcode};
use rustix::mm::Advice;

use crate::mapped::Memory;

fn once(cell: &OnceLock<bool>, skipped: &str, test: impl FnOnce(&mut Memory) -> bool) -> bool {
    *cell.get_or_init(|| {
        let supported = test(&mut Memory::new(4 * unit() / PAGE_SIZE));
        if !supported {
            say(&format!("reset: skipped {skipped}"));
        }
        supported
    })
}

/// Returns whether /proc/self/pagemap reports which pages were touched.
pub fn reports() -> bool {
    static REPORTS: OnceLock<bool> = OnceLock::new();
    once(&REPORTS, "what was touched: this system does not report it", |memory| {
        let fresh = memory.present();
        memory.touch_all();
        fresh == Some(0) && memory.present() == Some(memory.npages())
    })
}

/// Scans one page (`PAGEMAP_SCAN`).
pub fn scan(memory: &Memory) -> rustix::io::Result<()> {
    const PAGEMAP_SCAN: Opcode = opcode::read_write::<[u64; 12]>(b'f', 16);
    let (start, end) = (memory.start(0).addr() as u64, memory.start(1).addr() as u64);
    // The size, no flags, the range, and no room for regions.
    let mut scan = [96, 0, start, end, 0, 0, 0, 0, 0, 0, 0, 0];
    let pagemap = File::open("/proc/self/pagemap").unwrap();
    // SAFETY: the structure is that of the request, which writes nothing else.
    unsafe { ioctl(&pagemap, Updater::<PAGEMAP_SCAN, _>::new(&mut scan)) }
}

/// Returns whether the kernel scans ranges, and so reports huge pages.
pub fn scans() -> bool {
    static SCANS: OnceLock<bool> = OnceLock::new();
    let missing = "what needs PAGEMAP_SCAN: this system lacks it";
    reports() && once(&SCANS, missing, |memory| scan(memory).is_ok())
}

/// Returns whether `MADV_DONTNEED` drops memory.
pub fn drops() -> bool {
    static DROPS: OnceLock<bool> = OnceLock::new();
    once(&DROPS, "dropping: this system does not drop", |memory| {
        memory.touch_all();
        let advised = memory.advise(Advice::LinuxDontNeed);
        // SAFETY: a byte of the mapping.
        advised && unsafe { memory.start(0).cast::<u8>().read_volatile() } == 0
    })
}
