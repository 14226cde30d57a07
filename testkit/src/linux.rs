//! Anonymous memory on Linux, and what the system reports about it.

use std::ffi::c_void;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::ptr::null_mut;
use std::sync::OnceLock;

use clearpage::{PAGE_SIZE, Page};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};
use rustix::param::page_size;

/// Size of a huge page.
pub const HUGE: usize = 2 << 20;

/// The larger of the system's page and [`Page`].
pub fn unit() -> usize {
    page_size().max(PAGE_SIZE)
}

/// Owns an anonymous mapping that starts at the boundary of a huge page.
pub struct Mapping {
    reserved: *mut c_void,
    start: *mut c_void,
    len: usize,
}

impl Mapping {
    /// Maps `len` bytes of private memory.
    pub fn new(len: usize) -> Self {
        Self::with(len, MapFlags::PRIVATE).unwrap()
    }

    /// Maps `len` bytes with the given flags.
    pub fn with(len: usize, flags: MapFlags) -> rustix::io::Result<Self> {
        let len = len.next_multiple_of(HUGE);
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: the kernel chooses the address.
        let reserved = unsafe { mmap_anonymous(null_mut(), len + HUGE, access, flags) }?;
        let start = reserved.map_addr(|addr| addr.next_multiple_of(HUGE));
        Ok(Self { reserved, start, len })
    }

    /// Returns the address of the first byte.
    pub fn start(&self) -> *mut c_void {
        self.start
    }

    /// Returns `npages` pages after the first `skip` pages.
    pub fn pages(&mut self, skip: usize, npages: usize) -> &mut [Page] {
        assert!((skip + npages) * PAGE_SIZE <= self.len);
        // SAFETY: the pages are in the mapping, which `self` owns and the result borrows.
        unsafe { std::slice::from_raw_parts_mut(self.start.cast::<Page>().add(skip), npages) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: `self` owns the mapping.
        unsafe { munmap(self.reserved, self.len + HUGE) }.unwrap();
    }
}

/// Returns the words that /proc/self/pagemap has for `npages` pages from `start` on.
pub fn pagemap(start: *const c_void, npages: usize) -> std::io::Result<Vec<u64>> {
    let file = File::open("/proc/self/pagemap")?;
    let word = |at| {
        let mut word = [0; 8];
        let page = (start.addr() + at * PAGE_SIZE) / page_size();
        file.read_exact_at(&mut word, page as u64 * 8)?;
        Ok(u64::from_ne_bytes(word))
    };
    (0..npages).map(word).collect()
}

/// Returns whether a word of /proc/self/pagemap is that of a page in memory: bit 63 is set. Of the
/// bits from 57 on no other may be set, or it is no such word.
pub fn is_present(word: u64) -> bool {
    word >> 57 == 1 << 6
}

/// Returns whether a word of /proc/self/pagemap is that of a swapped-out page.
pub fn is_swapped(word: u64) -> bool {
    word >> 62 == 1
}

/// Returns how many of the pages are in memory.
pub fn present(pages: &[Page]) -> usize {
    let words = pagemap(pages.as_ptr().cast(), pages.len());
    words.map_or(0, |words| words.into_iter().filter(|&word| is_present(word)).count())
}

/// Returns whether `MADV_POPULATE_WRITE` faults memory in. Older kernels do not know it, and
/// emulators may accept it and do nothing.
pub fn populates() -> bool {
    static POPULATES: OnceLock<bool> = OnceLock::new();
    *POPULATES.get_or_init(|| {
        let mut mapping = Mapping::new(4 * unit());
        let advice = Advice::LinuxPopulateWrite;
        // SAFETY: this advice changes no content.
        let advised = unsafe { madvise(mapping.start(), 4 * unit(), advice) };
        let npages = 4 * unit() / PAGE_SIZE;
        let populates = advised.is_ok() && present(mapping.pages(0, npages)) == npages;
        if !populates {
            crate::say("skipped what needs MADV_POPULATE_WRITE: this system lacks it");
        }
        populates
    })
}

/// Returns the bytes after `name:` in /proc/self/status, such as `VmRSS` or `VmHWM`.
pub fn status_bytes(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap().trim_end_matches("kB").trim().parse::<usize>().unwrap() << 10
}
