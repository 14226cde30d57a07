//! Which process created a pool: the child of a `fork` inherits the pool, but not its thread.

use std::process;

/// The process that created a pool.
///
/// A PID alone does not identify it: PID 1 of a namespace may fork a child that is PID 1 of a
/// nested one, and PIDs are reused. So Linux also wipes a word of memory in every child.
pub(super) struct Origin {
    id: u32,
    #[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
    word: Option<wiped::Word>,
}

impl Origin {
    /// The calling process.
    pub(super) fn here() -> Self {
        Self {
            id: process::id(),
            #[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
            word: wiped::Word::new(),
        }
    }

    /// Whether the calling process is the one that created the pool.
    pub(super) fn is_here(&self) -> bool {
        #[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
        if self.word.as_ref().is_some_and(wiped::Word::is_wiped) {
            return false;
        }
        // Decides alone before Linux 4.14, and where an emulator ignores the advice.
        self.id == process::id()
    }
}

#[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
mod wiped {
    use std::ptr::{NonNull, null_mut};
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};
    use rustix::param::page_size;

    /// A word that a fork sets to 0 in the child, in a page of its own (`MADV_WIPEONFORK`).
    pub(super) struct Word(NonNull<AtomicU32>);

    // SAFETY: `Word` owns the page, and the word is atomic.
    unsafe impl Send for Word {}
    // SAFETY: as above.
    unsafe impl Sync for Word {}

    impl Word {
        /// `None` if there is no memory, or if Linux is older than 4.14 and refuses the advice.
        pub(super) fn new() -> Option<Self> {
            let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
            // SAFETY: the system chooses the address.
            let page = unsafe { mmap_anonymous(null_mut(), page_size(), access, flags) }.ok()?;
            let word = Self(NonNull::new(page.cast())?);
            // SAFETY: the page is new, and `word` owns it.
            unsafe { madvise(page, page_size(), Advice::LinuxWipeOnFork) }.ok()?;
            word.get().store(1, Relaxed);
            Some(word)
        }

        pub(super) fn is_wiped(&self) -> bool {
            self.get().load(Relaxed) == 0
        }

        fn get(&self) -> &AtomicU32 {
            // SAFETY: mapped as long as `self` exists, and aligned to a page.
            unsafe { self.0.as_ref() }
        }
    }

    impl Drop for Word {
        fn drop(&mut self) {
            // Refused where the process has too many mappings already: then the page stays.
            // SAFETY: `self` owns the page.
            let _ = unsafe { munmap(self.0.as_ptr().cast(), page_size()) };
        }
    }
}
