//! Two files of /proc, kept open: to open one takes several times as long as to ask it.
//!
//! They tell of the process that opened them, also after a fork. So their numbers stand in a page
//! that a fork wipes (`MADV_WIPEONFORK`): a child finds none there, and opens its own.

use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd};
use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicI32, AtomicPtr};

use rustix::fd::BorrowedFd;
use rustix::io::{Errno, Result};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};
use rustix::param::page_size;

/// A file of /proc/self that tells of mappings.
#[derive(Clone, Copy)]
pub(super) enum Kept {
    Maps,
    Pagemap,
}

/// By file, the number it is open as and 1; or 0.
type Numbers = [AtomicI32; 2];

/// A page that is never given back, once there is one.
static NUMBERS: AtomicPtr<Numbers> = AtomicPtr::new(ptr::null_mut());

impl Kept {
    /// Opens it anew.
    pub(super) fn open(self) -> Option<File> {
        let path = match self {
            Self::Maps => "/proc/self/maps",
            Self::Pagemap => "/proc/self/pagemap",
        };
        File::open(path).ok()
    }

    /// Puts a question to the file, and keeps one that answers. `None` if it cannot be opened.
    pub(super) fn ask<T>(
        self,
        mut question: impl FnMut(BorrowedFd<'_>) -> Result<T>,
    ) -> Option<Result<T>> {
        if let Some(number) = self.number() {
            let kept = number.load(Relaxed);
            if kept > 0 {
                // SAFETY: it was opened to be kept, and is not closed here.
                match question(unsafe { BorrowedFd::borrow_raw(kept - 1) }) {
                    // Somebody closed all files that he did not know, and may have opened others.
                    Err(Errno::BADF | Errno::NOTTY) => {
                        let _ = number.compare_exchange(kept, 0, Relaxed, Relaxed);
                    }
                    answer => return Some(answer),
                }
            }
        }
        let file = self.open()?;
        // SAFETY: it is open for as long as the question takes.
        let answer = question(unsafe { BorrowedFd::borrow_raw(file.as_raw_fd()) });
        if answer.is_ok() {
            self.keep(file);
        }
        Some(answer)
    }

    fn keep(self, file: File) {
        if NUMBERS.load(Relaxed).is_null() {
            make_page();
        }
        if let Some(number) = self.number() {
            let file = file.into_raw_fd();
            if number.compare_exchange(0, file + 1, Relaxed, Relaxed).is_err() {
                // SAFETY: it was open, and nobody else has its number.
                drop(unsafe { File::from_raw_fd(file) });
            }
        }
    }

    fn number(self) -> Option<&'static AtomicI32> {
        // SAFETY: null, or a page of this type that is never given back.
        unsafe { NUMBERS.load(Acquire).as_ref() }.map(|numbers| &numbers[self as usize])
    }
}

/// Makes the page, if it can be had: without it nothing is kept.
fn make_page() {
    let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
    let len = page_size();
    // SAFETY: where there is room, and given back only if nobody else has seen it.
    unsafe {
        let Ok(page) = mmap_anonymous(ptr::null_mut(), len, access, flags) else { return };
        let wiped = madvise(page, len, Advice::LinuxWipeOnFork).is_ok();
        // Zero, as it is mapped, is no number.
        let shown = wiped
            && NUMBERS.compare_exchange(ptr::null_mut(), page.cast(), Release, Relaxed).is_ok();
        if !shown {
            let _ = munmap(page, len);
        }
    }
}
