//! Files of huge pages, and a full file system.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::thread;

use clearpage::{Intent, PAGE_SIZE};
use clearpage_os::file_frames::{FileFrames, ZeroMethod};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use crate::files::{allocated, check, frame, frames, garbage};
use clearpage_testkit::linux::populates;
use clearpage_testkit::say;

/// Creates a memfd of `npages` huge pages, full of garbage, and returns the frames in each; `None`
/// if too few are reserved.
fn huge(npages: u64) -> Option<(File, u64)> {
    let file = File::from(memfd_create("huge", MemfdFlags::HUGETLB).ok()?);
    let size = file.metadata().unwrap().blksize();
    let len = size * npages;
    file.set_len(len).ok()?;
    let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
    // SAFETY: the kernel chooses the address; the mapping reserves huge pages, so a touch finds one.
    unsafe {
        let start = mmap(std::ptr::null_mut(), len as usize, access, flags, &file, 0).ok()?;
        for n in 0..len / PAGE_SIZE as u64 {
            let page = start.cast::<u8>().add(n as usize * PAGE_SIZE);
            page.copy_from_nonoverlapping(garbage(n).as_ptr(), PAGE_SIZE);
        }
        munmap(start, len as usize).unwrap();
    }
    Some((file, size / PAGE_SIZE as u64))
}

#[test]
fn ranges_and_lists_may_begin_and_end_within_huge_pages() {
    let Some((file, block)) = huge(3) else {
        return say("file_frames: skipped huge pages: none are reserved");
    };
    let pages = 3 * block;
    let memory = FileFrames::new(file.try_clone().unwrap()).unwrap().with_window(1);
    assert_eq!(memory.window(), block, "less than a huge page cannot be mapped");
    assert_eq!(memory.fastest(1, Intent::Hot), ZeroMethod::Map(Intent::Hot));

    let list = [block + 7, block + 5, block + 6, 3, 2 * block].map(frame);
    memory.clear_scattered(&list, Intent::Cold).unwrap();
    let listed = |n| list.contains(&frame(n));
    check(&file, 0..pages, listed, &"a list");
    memory.clear(frames(block - 3, 5), Intent::Cold).unwrap();
    let zero = |n| listed(n) || (block - 3..block + 2).contains(&n);
    check(&file, 0..pages, zero, &"a range");

    let before = allocated(&file);
    memory.zero(frames(block - 9, block + 20), ZeroMethod::PunchHole).unwrap();
    check(&file, 0..pages, |n| zero(n) || (block - 9..2 * block + 11).contains(&n), &"punched");
    assert_eq!(before - allocated(&file), block * PAGE_SIZE as u64, "one huge page is released");

    let error = memory.zero(frames(0, 1), ZeroMethod::Write).unwrap_err();
    assert_eq!(error.source.raw_os_error(), Some(Errno::INVAL.raw_os_error()));
    // More huge pages than any system has.
    file.set_len(block * PAGE_SIZE as u64 * (1 << 20)).unwrap();
    let memory = memory.with_window((block << 16) as usize);
    for error in [
        memory.clear(frames(block, block << 16), Intent::Cold).unwrap_err(),
        memory.clear_scattered(&[1, block << 15].map(frame), Intent::Cold).unwrap_err(),
    ] {
        assert_eq!(error.cleared, 0);
        assert_eq!(error.source.raw_os_error(), Some(Errno::NOMEM.raw_os_error()), "{error}");
    }
    check(&file, 0..3, |n| n == 3, &"no huge pages");
}

/// Creates a file on a tmpfs of `bytes`, mounted in a namespace of its own; `None` if that is not
/// permitted.
fn on_small_tmpfs(bytes: usize) -> Option<File> {
    use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
    use rustix::thread::{UnshareFlags, unshare_unsafe};
    let folder = std::env::temp_dir().join(format!("clearpage-full-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    // The namespace ends with the thread.
    let mounted = thread::scope(|scope| {
        let mount = || {
            // SAFETY: file descriptors stay shared.
            unsafe { unshare_unsafe(UnshareFlags::NEWNS) }.ok()?;
            mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).ok()?;
            let size = std::ffi::CString::new(format!("size={bytes}")).unwrap();
            mount("clearpage", &folder, "tmpfs", MountFlags::empty(), &*size).ok()?;
            let options = File::options().read(true).write(true).create_new(true).clone();
            Some(options.open(folder.join("file")).unwrap())
        };
        scope.spawn(mount).join().unwrap()
    });
    fs::remove_dir(&folder).unwrap();
    mounted
}

#[test]
fn a_full_file_system_is_an_error_and_no_signal() {
    let page = PAGE_SIZE.max(rustix::param::page_size());
    let Some(file) = on_small_tmpfs(8 * page) else {
        return say("file_frames: skipped a full file system: mounting one is not permitted");
    };
    let room = (8 * page / PAGE_SIZE) as u64;
    let populates = populates();
    for (method, call, errno) in [
        (ZeroMethod::Write, "pwritev", Errno::NOSPC),
        (ZeroMethod::Map(Intent::Cold), "madvise", Errno::FAULT),
    ] {
        if method != ZeroMethod::Write && !populates {
            continue;
        }
        file.set_len(0).unwrap();
        file.set_len(2 * room * PAGE_SIZE as u64).unwrap();
        crate::files::fill(&file, 2..room - 2);
        let memory = FileFrames::new(file.try_clone().unwrap()).unwrap();
        let memory = memory.with_window(room as usize / 2);
        let error = memory.zero(frames(1, 2 * room - 1), method).unwrap_err();
        assert_eq!(error.source.raw_os_error(), Some(errno.raw_os_error()), "{error}");
        assert!(error.source.to_string().starts_with(call), "{error}");
        let reached = match method {
            // Frame 0 is still a hole, so there is room for one frame more.
            ZeroMethod::Write => room + 1,
            _ => room,
        };
        assert_eq!((error.cleared, error.frame), (reached - 1, frame(reached)));
        check(&file, 0..2 * room, |_| true, &method);
        // Frames with memory are cleared without room for more.
        crate::files::fill(&file, 2..room);
        memory.zero(frames(2, room - 2), method).unwrap();
        let list = [5, 2 * room - 1].map(frame);
        let error = memory.zero_scattered(&list, method).unwrap_err();
        assert_eq!((error.cleared, error.frame), (1, list[1]), "{error}");
        check(&file, 2..room, |_| true, &method);
    }
}
