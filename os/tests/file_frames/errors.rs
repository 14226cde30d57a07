//! Errors name the frame and the system call, and count the frames that are zero.

use std::cell::Cell;
use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;

use clearpage::highmem::{ClearError, FrameRange, Highmem, Mapping, clear_highpages};
use clearpage::{Intent, PAGE_SIZE, Page};
use clearpage_os::file_frames::{FileError, FileFrames, Window, ZeroMethod};
use rustix::fs::{CWD, Mode, OFlags, SealFlags, fcntl_add_seals, openat};
use rustix::io::Errno;

use crate::files::{METHODS, check, fill, frame, frames, memfd, temporary};
use clearpage_testkit::say;

const PAGE: u64 = PAGE_SIZE as u64;

#[test]
fn a_frame_past_the_end_is_an_error_that_names_it() {
    let file = memfd("short", 10);
    file.set_len(10 * PAGE - 1).unwrap();
    let memory = FileFrames::new(file.try_clone().unwrap()).unwrap().with_window(4);
    assert_eq!(memory.frames(), Ok(frames(0, 9)));
    for method in METHODS {
        for (start, npages, inside) in [(5, 5, 4), (9, 1, 0), (8, 100, 1), (1 << 40, 1, 0)] {
            let all = frames(start, npages);
            let list: Vec<_> = all.iter().collect();
            let source = FileError::PastEnd { frame: frame(start + inside), len: 10 * PAGE - 1 };
            let error = ClearError { cleared: inside, frame: frame(start + inside), source };
            fill(&file, 0..9);
            assert_eq!(memory.zero_data(all, method), Err(error), "{method:?} {all}");
            assert_eq!(memory.zero_scattered(&list, method), Err(error), "{method:?} {all}");
            fill(&file, 0..9);
            assert_eq!(memory.zero(all, method), Err(error), "{method:?} {all}");
            check(&file, 0..9, |n| all.contains(frame(n)), &method);
        }
        assert_eq!(memory.zero(frames(1 << 40, 0), method), Ok(()));
        assert_eq!(memory.zero_data(frames(1 << 40, 0), method), Ok(()));
    }
    let last = FrameRange::new(clearpage::highmem::Frame::MAX, 1).unwrap();
    for (frames, text) in [
        (
            frames(9, 1),
            format!("frame 0x9 ends at byte {}, the file at {}", 10 * PAGE, 10 * PAGE - 1),
        ),
        (last, format!("ends at byte {}, the file at {}", 1_u128 << 64, 10 * PAGE - 1)),
    ] {
        let error = memory.zero(frames, ZeroMethod::Write).unwrap_err();
        assert_eq!(error.cleared, 0);
        assert!(error.to_string().ends_with(&text), "{error}");
        assert_eq!(std::io::Error::from(error.source).kind(), ErrorKind::UnexpectedEof);
    }
}

/// Truncates the file before it maps window number `left`.
struct Truncating<'a> {
    memory: &'a FileFrames,
    file: &'a File,
    left: Cell<u64>,
    npages: u64,
}

// SAFETY: `memory` maps the frames, and keeps these promises.
unsafe impl Highmem for Truncating<'_> {
    type Error = FileError;
    type Mapping<'a>
        = Window<'a>
    where
        Self: 'a;

    fn page_address(&self, frames: FrameRange) -> Option<std::ptr::NonNull<[Page]>> {
        self.memory.page_address(frames)
    }

    fn kmap_local(&self, frames: FrameRange) -> Result<Window<'_>, FileError> {
        match self.left.get().checked_sub(1) {
            Some(left) => self.left.set(left),
            None => self.file.set_len(self.npages * PAGE).unwrap(),
        }
        self.memory.kmap_local(frames)
    }
}

/// Before the first window, between any two, and in the middle of a later one.
#[test]
fn truncation_between_windows_is_an_error_with_the_exact_count() {
    for windows in 0..6 {
        for npages in 3 * windows..18 {
            let file = memfd("truncated", 18);
            fill(&file, 0..18);
            let memory = FileFrames::new(file.try_clone().unwrap()).unwrap().with_window(3);
            if memory.window() != 3 {
                return say("file_frames: skipped truncation: the system's pages are larger");
            }
            let truncating =
                Truncating { memory: &memory, file: &file, left: windows.into(), npages };
            // SAFETY: no other code maps the file.
            let error =
                unsafe { clear_highpages(&truncating, frames(0, 18), Intent::Cold) }.unwrap_err();
            assert_eq!((error.cleared, error.frame), (npages, frame(npages)));
            let source = FileError::PastEnd { frame: frame(npages), len: npages * PAGE };
            assert_eq!(error.source, source);
            check(&file, 0..npages, |_| true, &"before the end");
            assert_eq!(file.metadata().unwrap().len(), npages * PAGE, "the file grew");
        }
    }
}

#[test]
fn only_regular_files_open_for_reading_and_writing_are_accepted() {
    let refused = |file: OwnedFd| FileFrames::new(file).unwrap_err().kind();
    let (socket, _) = std::os::unix::net::UnixStream::pair().unwrap();
    assert_eq!(refused(socket.into()), ErrorKind::InvalidInput);
    let null = File::options().read(true).write(true).open("/dev/null").unwrap();
    assert_eq!(refused(null.into()), ErrorKind::InvalidInput);
    let file = memfd("refused", 1);
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
    for flags in [OFlags::RDONLY, OFlags::WRONLY, OFlags::RDWR | OFlags::APPEND] {
        let again = openat(CWD, &path, flags, Mode::empty()).unwrap();
        assert_eq!(refused(again), ErrorKind::PermissionDenied, "{flags:?}");
    }
}

/// The test only opens them, because a write would be a command.
#[test]
fn files_of_sysfs_and_procfs_are_refused() {
    let sysfs = "/sys/kernel/mm/transparent_hugepage/enabled";
    for (path, name) in [("/proc/self/comm", "procfs"), (sysfs, "sysfs")] {
        let open = |write| File::options().read(true).write(write).open(path);
        // Writing may not be permitted, and not every system has these files.
        let Ok(file) = open(true).or_else(|_| open(false)) else {
            say(&format!("file_frames: skipped {path}: it cannot be opened"));
            continue;
        };
        assert!(file.metadata().unwrap().is_file());
        let error = FileFrames::new(file).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains(&format!("a file of {name}")), "{error}");
    }
}

#[test]
fn zeroing_a_sealed_file_is_an_error() {
    let file = memfd("sealed", 4);
    fill(&file, 0..4);
    fcntl_add_seals(&file, SealFlags::WRITE).unwrap();
    let memory = FileFrames::new(file.try_clone().unwrap()).unwrap();
    for (method, call) in METHODS.into_iter().zip(["mmap", "mmap", "mmap", "pwritev", "fallocate"])
    {
        let error = memory.zero(frames(1, 2), method).unwrap_err();
        assert_eq!((error.cleared, error.frame), (0, frame(1)));
        assert_eq!(error.source.raw_os_error(), Some(Errno::PERM.raw_os_error()));
        assert!(error.source.to_string().starts_with(call), "{error}");
        let list = memory.zero_scattered(&[frame(2)], method).unwrap_err();
        assert_eq!((list.cleared, list.source), (0, error.source));
    }
    check(&file, 0..4, |_| false, &"sealed");
}

#[test]
#[should_panic(expected = "a window of 0 frames")]
fn a_window_of_0_frames_panics() {
    let _ = FileFrames::new(temporary(1)).unwrap().with_window(0);
}

#[test]
fn a_window_may_exceed_the_address_space() {
    let file = memfd("wide", 4);
    fill(&file, 0..4);
    let memory = FileFrames::new(file.try_clone().unwrap()).unwrap().with_window(usize::MAX);
    memory.zero(frames(1, 2), ZeroMethod::Map(Intent::Cold)).unwrap();
    check(&file, 0..4, |n| n == 1 || n == 2, &"wide");
}

/// The window has the frames before or after the truncation. The test touches none of them, because
/// that could raise a signal.
#[test]
fn truncation_during_mapping_is_no_error() {
    const PAGES: u64 = 256;
    let file = memfd("race", 0);
    let memory = FileFrames::new(file.try_clone().unwrap()).unwrap().with_window(PAGES as usize);
    let start = std::sync::Barrier::new(2);
    for delay in 0..200 {
        // Populating holes takes long enough for the other thread.
        file.set_len(0).unwrap();
        file.set_len(PAGES * PAGE).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                (0..delay * 20).for_each(|_| std::hint::spin_loop());
                file.set_len(4 * PAGE).unwrap();
            });
            start.wait();
            let window = memory.kmap_local(frames(0, PAGES)).unwrap();
            let npages = window.pages().len() as u64;
            assert!(npages == 4 || npages == PAGES, "{npages}");
        });
    }
}
