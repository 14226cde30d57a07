//! Memory that is not what it seems: what is dropped there would not be zero, or could not be
//! dropped, or is not there.

use std::fs::{self, File};

use clearpage::PAGE_SIZE;
use clearpage_os::reset::{Method, ResetError, Reuse, Summary};
use rustix::mm::{
    Advice, MapFlags, MlockFlags, MprotectFlags, ProtFlags, madvise, mlock, mlock_with, mmap,
    mprotect, munmap,
};

use crate::every_way;
use crate::known::{drops, scans, tells};
use crate::mapped::{FACES, Face, HUGE, Memory, unit};
use clearpage_testkit::{child, say};

/// The faces that need not know what is mapped.
const ASKING: [Face; 2] = [Face::Slice, Face::Raw];

/// A file of pages, the page `at` of which is full of the byte 200 + at, mapped over the memory
/// from page `first` on.
pub fn map_file(memory: &mut Memory, first: usize, npages: usize, flags: MapFlags) -> File {
    static NUMBER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let name = format!("clearpage-reset-{}-{number}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let content: Vec<u8> = (0..npages * PAGE_SIZE).map(|i| 200 + (i / PAGE_SIZE) as u8).collect();
    fs::write(&path, content).unwrap();
    let file = File::options().read(true).write(true).open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let access = ProtFlags::READ | ProtFlags::WRITE;
    let (start, flags) = (memory.start(first), flags | MapFlags::FIXED);
    // SAFETY: pages of the mapping, to which nobody refers.
    unsafe { mmap(start, npages * PAGE_SIZE, access, flags, &file, 0) }.unwrap();
    (0..npages).for_each(|at| memory.hold(first + at, 200 + at as u8));
    file
}

fn content(file: &File) -> Vec<u8> {
    use std::os::unix::fs::FileExt;
    let mut content = vec![0; file.metadata().unwrap().len() as usize];
    file.read_exact_at(&mut content, 0).unwrap();
    content
}

/// A file's private pages: some not touched, some read, some written and so no longer the file's,
/// which the page tables alone would not tell from anonymous ones.
#[test]
fn a_private_mapping_of_a_file() {
    let step = unit() / PAGE_SIZE;
    let npages = 40 * step;
    // The range is the file alone, or begins or ends in anonymous memory.
    for range in [(npages, 8 * step), (0, npages + 8 * step), (npages, npages)] {
        for (how, next) in every_way() {
            for face in ASKING {
                let mut memory = Memory::new(2 * npages + 8 * step);
                memory.touch_all();
                let file = map_file(&mut memory, npages, 8 * step, MapFlags::PRIVATE);
                let before = content(&file);
                memory.check_some(npages + step..npages + 3 * step, &"the file's bytes");
                (npages..npages + 2 * step).for_each(|at| memory.touch(at));
                let done = memory.reset(range, face, how, next);
                match how {
                    Method::Auto | Method::Clear => {
                        assert_eq!(done, Ok(Summary { cleared: range.1, ..Summary::default() }));
                    }
                    _ => assert_eq!(done, Err(ResetError::NotAnonymous), "{how:?}"),
                }
                memory.check(&(range, how, next, face));
                assert_eq!(content(&file), before, "{how:?}");
            }
        }
    }
}

#[test]
fn shared_memory() {
    let npages = 32 * unit() / PAGE_SIZE;
    for (how, next) in every_way() {
        for face in ASKING {
            let mut anonymous = Memory::with(npages, MapFlags::SHARED).unwrap();
            let mut of_file = Memory::new(npages);
            let file = map_file(&mut of_file, 0, npages, MapFlags::SHARED);
            for memory in [&mut anonymous, &mut of_file] {
                (0..npages).step_by(3).for_each(|at| memory.touch(at));
                let done = memory.reset((0, npages), face, how, next);
                match how {
                    Method::Auto | Method::Clear => {
                        assert_eq!(done, Ok(Summary { cleared: npages, ..Summary::default() }));
                    }
                    _ => assert_eq!(done, Err(ResetError::NotAnonymous), "{how:?}"),
                }
                memory.check(&(how, next, face));
            }
            let zero = content(&file).iter().all(|&byte| byte == 0);
            assert_eq!(zero, matches!(how, Method::Auto | Method::Clear), "{how:?}");
        }
    }
}

/// Of hugetlbfs, where huge pages are reserved: what is dropped there is rounded to them.
#[test]
fn reserved_huge_pages() {
    let flags = MapFlags::PRIVATE | MapFlags::HUGETLB;
    let Ok(mut memory) = Memory::with(HUGE / PAGE_SIZE, flags) else {
        return say("reset: skipped reserved huge pages: there are no two of 2 MiB");
    };
    let unit = unit() / PAGE_SIZE;
    for range in [(0, HUGE / PAGE_SIZE), (unit, HUGE / PAGE_SIZE - unit)] {
        for (how, next) in every_way() {
            for face in ASKING {
                memory.touch_all();
                let done = memory.reset(range, face, how, next);
                match how {
                    Method::Auto | Method::Clear => assert_eq!(done.unwrap().cleared, range.1),
                    _ => assert_eq!(done, Err(ResetError::NotAnonymous), "{how:?}"),
                }
                memory.check(&(range, how, next, face));
            }
        }
    }
}

/// Locks `npages` pages from page `at` on; `false` if that is not allowed.
pub fn lock(memory: &Memory, at: usize, npages: usize, on_fault: bool) -> bool {
    let (start, len) = (memory.start(at), npages * PAGE_SIZE);
    // SAFETY: it changes no content.
    let locked = unsafe {
        // Emulators may not know of locks on a fault.
        let on_fault = on_fault && mlock_with(start, len, MlockFlags::ONFAULT).is_ok();
        if on_fault { Ok(()) } else { mlock(start, len) }
    };
    if locked.is_err() {
        say("reset: skipped locked memory: locking is not allowed");
    }
    locked.is_ok()
}

/// All of the range, its begin, its middle, its end: an error with nothing changed, or all zero.
#[test]
fn locked_memory() {
    let step = unit() / PAGE_SIZE;
    let npages = 12 * step;
    for (at, len) in [(0, npages), (0, 4 * step), (4 * step, 4 * step), (8 * step, 4 * step)] {
        for (how, next) in every_way() {
            for face in FACES {
                for on_fault in [false, true] {
                    let mut memory = Memory::new(npages + 1);
                    memory.touch_all();
                    if !lock(&memory, at, len, on_fault) {
                        return;
                    }
                    let done = memory.reset((0, npages), face, how, next);
                    let what = ((at, len), how, next, face, on_fault, done);
                    memory.check(&what);
                    match (how, face) {
                        (Method::Auto | Method::Clear | Method::ClearTouched, _) => {
                            assert!(done.is_ok() || !tells(), "{what:?}");
                        }
                        // Nobody looked before some of it was dropped.
                        (Method::Discard, Face::Anonymous) if len < npages => {
                            assert!(done.is_ok() || !drops(), "{what:?}");
                        }
                        _ if scans() => assert_eq!(done, Err(ResetError::Locked), "{what:?}"),
                        // Emulators and old kernels may not tell of locks.
                        _ => {}
                    }
                }
            }
        }
    }
}

/// Nothing mapped, no right to write, no right at all. In a process of its own: in this one another
/// test's thread might map something where nothing is.
#[test]
fn a_range_that_cannot_be_written() {
    let output = child("traps::at_the_begin_in_the_middle_at_the_end", ("RUST_TEST_THREADS", "1"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
#[ignore = "run by a_range_that_cannot_be_written"]
fn at_the_begin_in_the_middle_at_the_end() {
    let step = unit() / PAGE_SIZE;
    let npages = 100 * step;
    // What the crate maps for itself it maps now.
    Memory::new(npages).reset((0, npages), Face::Raw, Method::Auto(Reuse::Likely)).unwrap();
    for (how, next) in every_way() {
        for at in [0, 40 * step, 99 * step] {
            for access in [None, Some(MprotectFlags::READ), Some(MprotectFlags::empty())] {
                let mut memory = Memory::new(npages + 1);
                (0..npages + 1).filter(|i| i % 3 != 1).for_each(|i| memory.touch(i));
                let (start, len) = (memory.start(at), step * PAGE_SIZE);
                // SAFETY: pages of the mapping, to which nobody refers.
                unsafe {
                    match access {
                        None => munmap(start, len).unwrap(),
                        Some(access) => mprotect(start, len, access).unwrap(),
                    }
                }
                let done = memory.reset((0, npages), Face::Raw, how, next);
                let error = access.map_or(ResetError::Unmapped, |_| ResetError::Protected);
                assert_eq!(done, Err(error), "{how:?}");
                memory.check_some(0..at, &how);
                memory.check_some(at + step..npages + 1, &how);
                if access == Some(MprotectFlags::READ) {
                    memory.check_some(at..at + step, &how);
                }
            }
        }
    }
}

/// The kernel may take it at any time, and until then it holds what it held.
#[test]
fn memory_that_was_given_up() {
    let npages = 64 * unit() / PAGE_SIZE;
    for (how, next) in every_way() {
        for face in FACES {
            let mut memory = Memory::new(npages + 1);
            memory.touch_all();
            // SAFETY: pages of the mapping, to which nobody refers.
            let _ = unsafe { madvise(memory.start(0), npages * PAGE_SIZE, Advice::LinuxFree) };
            // Some of it is taken back.
            (0..npages).step_by(5).for_each(|at| memory.touch(at));
            if memory.reset((0, npages), face, how, next).is_ok() {
                memory.check(&(how, next, face));
            }
        }
    }
}
