//! Identifies the process that created a pool: a forked child inherits the pool, not its thread.

use std::process;

/// Identifies the process that created a pool.
///
/// A PID alone does not identify it: PID 1 of a namespace may fork a child that is PID 1 of a
/// nested one, and PIDs are reused. So Linux also wipes a word of memory in every child.
pub(super) struct Origin {
    id: u32,
    #[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
    word: Option<wiped::Word>,
}

impl Origin {
    /// Identifies the calling process.
    pub(super) fn here() -> Self {
        Self {
            id: process::id(),
            #[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
            word: wiped::Word::new(),
        }
    }

    /// Returns whether the calling process is the one that created the pool.
    pub(super) fn is_here(&self) -> bool {
        #[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
        if self.word.as_ref().is_some_and(wiped::Word::is_wiped) {
            return false;
        }
        // Decides alone before Linux 4.14, and where an emulator ignores `MADV_WIPEONFORK`.
        self.id == process::id()
    }
}

#[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
mod wiped {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use rustix::mm::{Advice, madvise};
    use rustix::param::page_size;

    use crate::linux::Mapping;

    /// Owns a page with a word that a fork sets to 0 in the child (`MADV_WIPEONFORK`).
    pub(super) struct Word(Mapping);

    // SAFETY: `Word` owns the page, and the word is atomic.
    unsafe impl Send for Word {}
    // SAFETY: as above.
    unsafe impl Sync for Word {}

    impl Word {
        /// Maps the page; `None` if memory is short or Linux before 4.14 refuses the advice.
        pub(super) fn new() -> Option<Self> {
            let word = Self(Mapping::new(page_size()).ok()?);
            // SAFETY: the page is new, and `word` owns it.
            unsafe { madvise(word.0.start(), page_size(), Advice::LinuxWipeOnFork) }.ok()?;
            word.get().store(1, Relaxed);
            Some(word)
        }

        pub(super) fn is_wiped(&self) -> bool {
            self.get().load(Relaxed) == 0
        }

        fn get(&self) -> &AtomicU32 {
            // SAFETY: the page is mapped as long as `self` exists, and the word is at its start.
            unsafe { &*self.0.start().cast() }
        }
    }
}
