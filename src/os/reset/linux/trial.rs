//! Pages to try things out on, before they are believed.

use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munlock, munmap};
use rustix::param::page_size;

/// Pages of the system that were never touched.
pub(super) struct Trial(*mut c_void);

impl Trial {
    /// How many.
    pub(super) const PAGES: usize = 16;

    fn new() -> Option<Self> {
        let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        let len = Self::PAGES * page_size();
        // SAFETY: where there is room; what follows changes no content but zero for zero.
        unsafe {
            let start = mmap_anonymous(null_mut(), len, access, flags).ok()?;
            // Each by itself; and if all that is mapped is locked, and so present, these are not.
            let _ = madvise(start, len, Advice::LinuxNoHugepage);
            let _ = munlock(start, len);
            let _ = madvise(start, len, Advice::LinuxDontNeed);
            Some(Self(start))
        }
    }

    /// Where page `at` is, or the end behind the last.
    pub(super) fn page(&self, at: usize) -> *mut c_void {
        self.0.wrapping_byte_add(at * page_size())
    }

    /// Writes a byte of every second page, from page 1 on.
    pub(super) fn touch(&self) {
        for at in (1..Self::PAGES).step_by(2) {
            // SAFETY: it is mapped, and nobody else's.
            unsafe { self.page(at).cast::<u8>().write_volatile(0xa5) };
        }
    }

    /// Whether all of those bytes are zero.
    pub(super) fn is_zero(&self) -> bool {
        // SAFETY: as above.
        (1..Self::PAGES)
            .step_by(2)
            .all(|at| unsafe { self.page(at).cast::<u8>().read_volatile() } == 0)
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        // SAFETY: it was mapped, and nobody refers to it.
        let _ = unsafe { munmap(self.0, Self::PAGES * page_size()) };
    }
}

/// What a trial showed, for all of the process's life.
pub(super) struct Verdict(AtomicU8);

impl Verdict {
    const UNKNOWN: u8 = 0;
    const GOOD: u8 = 1;
    const BAD: u8 = 2;

    pub(super) const fn new() -> Self {
        Self(AtomicU8::new(Self::UNKNOWN))
    }

    /// The verdict, by `try_out` where there is none yet.
    pub(super) fn get(&self, try_out: impl FnOnce(&Trial) -> bool) -> bool {
        let mut verdict = self.0.load(Relaxed);
        if verdict == Self::UNKNOWN {
            // Out of memory says nothing for the next time.
            let Some(trial) = Trial::new() else { return false };
            verdict = if try_out(&trial) { Self::GOOD } else { Self::BAD };
            self.0.store(verdict, Relaxed);
        }
        verdict == Self::GOOD
    }
}
