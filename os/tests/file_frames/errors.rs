//! What goes wrong is told, with what was done before, and nothing is left behind.

use std::cell::Cell;
use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;

use clearpage::highmem::{ClearError, FrameRange, Highmem, Mapping, clear_highpages};
use clearpage::{Intent, PAGE_SIZE, Page};
use clearpage_os::file_frames::{FileError, FileFrames, Window, ZeroMethod};
use rustix::fs::{CWD, Mode, OFlags, SealFlags, fcntl_add_seals, openat};
use rustix::io::Errno;

use crate::files::{WAYS, check, fill, frame, frames, memfd, temporary};
use clearpage_testkit::say;

const PAGE: u64 = PAGE_SIZE as u64;

#[test]
fn what_is_not_in_the_file_is_named() {
    let file = memfd("short", 10);
    file.set_len(10 * PAGE - 1).unwrap();
    let memory = FileFrames::new(file.try_clone().unwrap()).unwrap().with_window(4);
    assert_eq!(memory.frames(), Ok(frames(0, 9)));
    for way in WAYS.into_iter().chain([ZeroMethod::ZeroRange]) {
        for (start, npages, inside) in [(5, 5, 4), (9, 1, 0), (8, 100, 1), (1 << 40, 1, 0)] {
            let all = frames(start, npages);
            let list: Vec<_> = all.iter().collect();
            let source = FileError::BehindEnd { frame: frame(start + inside), len: 10 * PAGE - 1 };
            let error = ClearError { cleared: inside, frame: frame(start + inside), source };
            if way != ZeroMethod::ZeroRange {
                fill(&file, 0..9);
                assert_eq!(memory.zero_data(all, way), Err(error), "{way:?} {all}");
                assert_eq!(memory.zero_scattered(&list, way), Err(error), "{way:?} {all}");
                fill(&file, 0..9);
                assert_eq!(memory.zero(all, way), Err(error), "{way:?} {all}");
                check(&file, 0..9, |n| all.contains(frame(n)), &way);
            } else if inside == 0 {
                assert_eq!(memory.zero(all, way), Err(error), "{way:?} {all}");
            }
        }
        let last = FrameRange::new(clearpage::highmem::Frame::MAX, 1).unwrap();
        assert_eq!(memory.zero(last, way).map_err(|error| error.cleared), Err(0));
        assert_eq!(memory.zero(frames(1 << 40, 0), way), Ok(()));
        assert_eq!(memory.zero_data(frames(1 << 40, 0), way), Ok(()));
    }
    let text = memory.zero(frames(9, 1), ZeroMethod::Write).unwrap_err().to_string();
    let (end, len) = (10 * PAGE, 10 * PAGE - 1);
    let expected = format!("frame 0x9 ends at byte {end}, the file at {len}");
    assert!(text.ends_with(&expected), "{text}");
}

/// Cuts the file off when the `left`th window from now is asked for.
struct Cut<'a> {
    memory: &'a FileFrames,
    file: &'a File,
    left: Cell<u64>,
    npages: u64,
}

// SAFETY: as what it stands for.
unsafe impl Highmem for Cut<'_> {
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

/// Cut off before the first window, between any two, in the middle of one that is still to come.
#[test]
fn a_file_that_is_cut_off_meanwhile() {
    for windows in 0..6 {
        for npages in 3 * windows..18 {
            let file = memfd("cut", 18);
            fill(&file, 0..18);
            let memory = FileFrames::new(file.try_clone().unwrap()).unwrap().with_window(3);
            if memory.window() != 3 {
                return say("file_frames: skipped a file cut off: the system's pages are larger");
            }
            let cut = Cut { memory: &memory, file: &file, left: windows.into(), npages };
            // SAFETY: nobody has the file mapped.
            let error = unsafe { clear_highpages(&cut, frames(0, 18), Intent::Cold) }.unwrap_err();
            assert_eq!((error.cleared, error.frame), (npages, frame(npages)));
            let source = FileError::BehindEnd { frame: frame(npages), len: npages * PAGE };
            assert_eq!(error.source, source);
            check(&file, 0..npages, |_| true, &"before the cut");
            assert_eq!(file.metadata().unwrap().len(), npages * PAGE, "it does not grow");
        }
    }
}

#[test]
fn files_that_are_none_are_refused() {
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

/// They are opened and not written: what would be written is a command.
#[test]
fn files_of_sysfs_and_procfs_are_refused() {
    let sysfs = "/sys/kernel/mm/transparent_hugepage/enabled";
    for (path, name) in [("/proc/self/comm", "procfs"), (sysfs, "sysfs")] {
        let open = |write| File::options().read(true).write(write).open(path);
        // Not everybody may open it for writing, nor has every system such a file.
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
fn a_sealed_file_is_an_error() {
    let file = memfd("sealed", 4);
    fill(&file, 0..4);
    fcntl_add_seals(&file, SealFlags::WRITE).unwrap();
    let memory = FileFrames::new(file.try_clone().unwrap()).unwrap();
    for (way, call) in WAYS.into_iter().zip(["mmap", "mmap", "mmap", "pwritev", "fallocate"]) {
        let error = memory.zero(frames(1, 2), way).unwrap_err();
        assert_eq!((error.cleared, error.frame), (0, frame(1)));
        assert_eq!(error.source.raw_os_error(), Some(Errno::PERM.raw_os_error()));
        assert!(error.source.to_string().starts_with(call), "{error}");
        let list = memory.zero_scattered(&[frame(2)], way).unwrap_err();
        assert_eq!((list.cleared, list.source), (0, error.source));
    }
    check(&file, 0..4, |_| false, &"sealed");
}

#[test]
#[should_panic(expected = "a window of no frame")]
fn a_window_of_nothing_is_refused() {
    let _ = FileFrames::new(temporary(1)).unwrap().with_window(0);
}

#[test]
fn a_window_larger_than_the_address_space_is_no_trouble() {
    let file = memfd("wide", 4);
    fill(&file, 0..4);
    let memory = FileFrames::new(file.try_clone().unwrap()).unwrap().with_window(usize::MAX);
    memory.zero(frames(1, 2), ZeroMethod::Map(Intent::Cold)).unwrap();
    check(&file, 0..4, |n| n == 1 || n == 2, &"wide");
}

/// Cut off at any moment of mapping it: what is left is mapped, or was before the cut. Nothing is
/// touched, so that no signal can be raised.
#[test]
fn a_file_that_is_cut_off_while_it_is_mapped() {
    const PAGES: u64 = 256;
    let file = memfd("race", 0);
    let memory = FileFrames::new(file.try_clone().unwrap()).unwrap().with_window(PAGES as usize);
    let start = std::sync::Barrier::new(2);
    for delay in 0..200 {
        // Holes: to populate them takes a while.
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
