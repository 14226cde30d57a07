//! Memory that would not be zero if it were dropped, cannot be dropped, or is not accessible.

use std::fs::{self, File};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use clearpage::PAGE_SIZE;
use clearpage_os::reset::{Method, ResetError, Reuse};
use clearpage_testkit::linux::{HUGE, unit};
use clearpage_testkit::{alone, say};
use rustix::mm::{
    Advice, MapFlags, MlockFlags, MprotectFlags, ProtFlags, mlock, mlock_with, mmap, mprotect,
    munmap,
};

use crate::mapped::{Counts, FACES, Face, Memory};
use crate::support::{drops, reports, scans};
use crate::{METHODS, never_fails};

/// The functions that check what is mapped.
const CHECKED: [Face; 2] = [Face::Slice, Face::Raw];

/// Maps a file over the memory from page `first` on. Its page `at` is full of the byte 200 + `at`.
pub fn map_file(memory: &mut Memory, first: usize, npages: usize, flags: MapFlags) -> File {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Relaxed);
    let name = format!("clearpage-reset-{}-{number}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let content: Vec<u8> = (0..npages * PAGE_SIZE).map(|i| 200 + (i / PAGE_SIZE) as u8).collect();
    fs::write(&path, content).unwrap();
    let file = File::options().read(true).write(true).open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let access = ProtFlags::READ | ProtFlags::WRITE;
    let (start, flags) = (memory.start(first), flags | MapFlags::FIXED);
    // SAFETY: pages of the mapping, which nothing refers to.
    unsafe { mmap(start, npages * PAGE_SIZE, access, flags, &file, 0) }.unwrap();
    (0..npages).for_each(|at| memory.expect(first + at, 200 + at as u8));
    file
}

fn content(file: &File) -> Vec<u8> {
    use std::os::unix::fs::FileExt;
    let mut content = vec![0; file.metadata().unwrap().len() as usize];
    file.read_exact_at(&mut content, 0).unwrap();
    content
}

/// Panics unless memory that is not anonymous and private was cleared, or the method failed.
fn check_not_anonymous(result: Result<Counts, ResetError>, method: Method, npages: usize) {
    let cleared = Ok((npages, 0, 0));
    let expected = if never_fails(method) { cleared } else { Err(ResetError::NotAnonymous) };
    assert_eq!(result, expected, "{method:?}");
}

/// Some pages of the file are untouched, some were read, and some were written: those look like
/// anonymous ones in the page table.
#[test]
fn a_private_mapping_of_a_file_is_cleared_and_the_file_unchanged() {
    let step = unit() / PAGE_SIZE;
    let npages = 40 * step;
    // The range is the file alone, or begins or ends in anonymous memory.
    for range in [(npages, 8 * step), (0, npages + 8 * step), (npages, npages)] {
        for method in METHODS {
            for face in CHECKED {
                let mut memory = Memory::new(2 * npages + 8 * step);
                memory.touch_all();
                let file = map_file(&mut memory, npages, 8 * step, MapFlags::PRIVATE);
                let before = content(&file);
                memory.check_some(npages + step..npages + 3 * step, &"the file's bytes");
                (npages..npages + 2 * step).for_each(|at| memory.touch(at));
                check_not_anonymous(memory.reset(range, face, method), method, range.1);
                memory.check(&(range, method, face));
                assert_eq!(content(&file), before, "{method:?}");
            }
        }
    }
}

#[test]
fn shared_memory_is_cleared() {
    let npages = 32 * unit() / PAGE_SIZE;
    for method in METHODS {
        for face in CHECKED {
            let mut anonymous = Memory::with(npages, MapFlags::SHARED).unwrap();
            let mut of_file = Memory::new(npages);
            let file = map_file(&mut of_file, 0, npages, MapFlags::SHARED);
            for memory in [&mut anonymous, &mut of_file] {
                (0..npages).step_by(3).for_each(|at| memory.touch(at));
                check_not_anonymous(memory.reset_all(face, method), method, npages);
                memory.check(&(method, face));
            }
            let zero = content(&file).iter().all(|&byte| byte == 0);
            assert_eq!(zero, never_fails(method), "{method:?}");
        }
    }
}

/// On hugetlbfs the kernel rounds a range to huge pages before it drops them.
#[test]
fn reserved_huge_pages_are_cleared() {
    let flags = MapFlags::PRIVATE | MapFlags::HUGETLB;
    let Ok(mut memory) = Memory::with(HUGE / PAGE_SIZE, flags) else {
        return say("reset: skipped reserved huge pages: there are no two of 2 MiB");
    };
    let unit = unit() / PAGE_SIZE;
    for range in [(0, HUGE / PAGE_SIZE), (unit, HUGE / PAGE_SIZE - unit)] {
        for method in METHODS {
            for face in CHECKED {
                memory.touch_all();
                check_not_anonymous(memory.reset(range, face, method), method, range.1);
                memory.check(&(range, method, face));
            }
        }
    }
}

/// Locks `npages` pages from page `at` on; returns `false` if that is not allowed.
pub fn lock(memory: &Memory, at: usize, npages: usize, on_fault: bool) -> bool {
    let (start, len) = (memory.start(at), npages * PAGE_SIZE);
    // SAFETY: a lock changes no contents.
    let locked = unsafe {
        // Emulators may not know locks on fault.
        let on_fault = on_fault && mlock_with(start, len, MlockFlags::ONFAULT).is_ok();
        if on_fault { Ok(()) } else { mlock(start, len) }
    };
    if locked.is_err() {
        say("reset: skipped locked memory: locking is not allowed");
    }
    locked.is_ok()
}

#[test]
fn locked_memory_is_cleared_or_an_error() {
    let step = unit() / PAGE_SIZE;
    let npages = 12 * step;
    // All of the range, its beginning, middle and end.
    for (at, len) in [(0, npages), (0, 4 * step), (4 * step, 4 * step), (8 * step, 4 * step)] {
        for (method, face) in METHODS.into_iter().flat_map(|m| FACES.map(|face| (m, face))) {
            for on_fault in [false, true] {
                let mut memory = Memory::new(npages + 1);
                memory.touch_all();
                if !lock(&memory, at, len, on_fault) {
                    return;
                }
                let result = memory.reset((0, npages), face, method);
                let what = ((at, len), method, face, on_fault, result);
                memory.check(&what);
                match (method, face) {
                    (Method::Discard, Face::Anonymous) if len < npages => {
                        // No check for locks comes before the first mapping is dropped.
                        assert!(result.is_ok() || !drops(), "{what:?}");
                    }
                    (Method::Discard, _) if scans() => {
                        assert_eq!(result, Err(ResetError::Locked), "{what:?}");
                    }
                    // Emulators and old kernels may not report locks.
                    (Method::Discard, _) => {}
                    _ => assert!(result.is_ok() || !reports(), "{what:?}"),
                }
            }
        }
    }
}

/// In a process of its own, because another test's thread could map something in the gap.
#[test]
fn a_range_that_cannot_be_written_is_an_error() {
    alone("traps::unmap_or_protect_a_part_of_the_range");
}

#[test]
#[ignore = "run by a_range_that_cannot_be_written_is_an_error"]
fn unmap_or_protect_a_part_of_the_range() {
    let step = unit() / PAGE_SIZE;
    let npages = 100 * step;
    // The crate maps memory for its trials only once.
    Memory::new(npages).reset_all(Face::Raw, Method::Auto(Reuse::Likely)).unwrap();
    for method in METHODS {
        for at in [0, 40 * step, 99 * step] {
            for access in [None, Some(MprotectFlags::READ), Some(MprotectFlags::empty())] {
                let mut memory = Memory::new(npages + 1);
                (0..npages + 1).filter(|i| i % 3 != 1).for_each(|i| memory.touch(i));
                let (start, len) = (memory.start(at), step * PAGE_SIZE);
                // SAFETY: pages of the mapping, which nothing refers to.
                unsafe {
                    match access {
                        None => munmap(start, len).unwrap(),
                        Some(access) => mprotect(start, len, access).unwrap(),
                    }
                }
                let result = memory.reset((0, npages), Face::Raw, method);
                let error = access.map_or(ResetError::Unmapped, |_| ResetError::Protected);
                assert_eq!(result, Err(error), "{method:?}");
                memory.check_some(0..at, &method);
                memory.check_some(at + step..npages + 1, &method);
                if access == Some(MprotectFlags::READ) {
                    memory.check_some(at..at + step, &method);
                }
            }
        }
    }
}

/// The kernel may drop the pages at any time; until then they have their contents.
#[test]
fn memory_given_up_with_madv_free_becomes_zero() {
    let npages = 64 * unit() / PAGE_SIZE;
    for method in METHODS {
        for face in FACES {
            let mut memory = Memory::new(npages + 1);
            memory.touch_all();
            memory.advise(Advice::LinuxFree);
            // A write cancels it for that page.
            (0..npages).step_by(5).chain([npages]).for_each(|at| memory.touch(at));
            if memory.reset((0, npages), face, method).is_ok() {
                memory.check(&(method, face));
            }
        }
    }
}
