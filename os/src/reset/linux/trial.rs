//! Provides pages on which to test the kernel before its reports are trusted.

use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munlock, munmap};
use rustix::param::page_size;

/// Owns pages of the system that were never touched.
pub(super) struct Trial(*mut c_void);

impl Trial {
    /// Number of pages.
    pub(super) const PAGES: usize = 16;

    fn new() -> Option<Self> {
        let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        let len = Self::PAGES * page_size();
        // SAFETY: the kernel chooses the address; the calls that follow only replace zero by zero.
        unsafe {
            let start = mmap_anonymous(null_mut(), len, access, flags).ok()?;
            // Must fault in page by page, with none present, even if all mappings are locked.
            let _ = madvise(start, len, Advice::LinuxNoHugepage);
            let _ = munlock(start, len);
            let _ = madvise(start, len, Advice::LinuxDontNeed);
            Some(Self(start))
        }
    }

    /// Returns the address of page `at`, or the end if `at` is `PAGES`.
    pub(super) fn page(&self, at: usize) -> *mut c_void {
        self.0.wrapping_byte_add(at * page_size())
    }

    /// Writes a byte to every second page, starting with page 1.
    pub(super) fn touch(&self) {
        for at in (1..Self::PAGES).step_by(2) {
            // SAFETY: the page is mapped, and the trial owns it.
            unsafe { self.page(at).cast::<u8>().write_volatile(0xa5) };
        }
    }

    /// Returns whether all of those bytes are zero.
    pub(super) fn is_zero(&self) -> bool {
        // SAFETY: as above.
        (1..Self::PAGES)
            .step_by(2)
            .all(|at| unsafe { self.page(at).cast::<u8>().read_volatile() } == 0)
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        // SAFETY: the trial owns the mapping, and ends here.
        let _ = unsafe { munmap(self.0, Self::PAGES * page_size()) };
    }
}

/// Caches the result of a trial for the life of the process.
pub(super) struct Verdict(AtomicU8);

impl Verdict {
    const UNKNOWN: u8 = 0;
    const GOOD: u8 = 1;
    const BAD: u8 = 2;

    pub(super) const fn new() -> Self {
        Self(AtomicU8::new(Self::UNKNOWN))
    }

    /// Returns the cached verdict, or that of `try_out` if there is none yet.
    pub(super) fn get(&self, try_out: impl FnOnce(&Trial) -> bool) -> bool {
        let mut verdict = self.0.load(Relaxed);
        if verdict == Self::UNKNOWN {
            // A lack of memory is not a verdict: the next call tries again.
            let Some(trial) = Trial::new() else { return false };
            verdict = if try_out(&trial) { Self::GOOD } else { Self::BAD };
            self.0.store(verdict, Relaxed);
        }
        verdict == Self::GOOD
    }
}
