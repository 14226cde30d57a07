//! Provides pages on which to test the kernel before its reports are trusted.

use std::ffi::c_void;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use rustix::mm::{Advice, madvise, munlock};
use rustix::param::page_size;

use crate::linux::Mapping;

/// Owns pages of the system that were never touched.
pub(super) struct Trial(Mapping);

impl Trial {
    /// Number of pages.
    pub(super) const PAGES: usize = 16;

    fn new() -> Option<Self> {
        let len = Self::PAGES * page_size();
        let mapping = Mapping::new(len).ok()?;
        // Must fault in page by page, with none present, even if all mappings are locked.
        // SAFETY: the trial owns the pages; the calls only replace zero by zero.
        unsafe {
            let _ = madvise(mapping.start(), len, Advice::LinuxNoHugepage);
            let _ = munlock(mapping.start(), len);
            let _ = madvise(mapping.start(), len, Advice::LinuxDontNeed);
        }
        Some(Self(mapping))
    }

    /// Returns the address of page `at`, or the end if `at` is `PAGES`.
    pub(super) fn page(&self, at: usize) -> *mut c_void {
        self.0.start().wrapping_byte_add(at * page_size())
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
        // SAFETY: the page is mapped, and the trial owns it.
        let byte = |at| unsafe { self.page(at).cast::<u8>().read_volatile() };
        (1..Self::PAGES).step_by(2).all(|at| byte(at) == 0)
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
