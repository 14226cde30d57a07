//! Pages that are not in memory as themselves: parts of huge ones, the one page of zeroes, pages
//! that are swapped out, and those of another process.

use std::fs;
use std::ptr::null_mut;

use clearpage::PAGE_SIZE;
use clearpage::reset::{Done, How, Next, ResetError};
use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mmap_anonymous, mprotect};

use crate::common::say;
use crate::every_way;
use crate::known::{PRESENT, SWAPPED, count, drops, scans, tells};
use crate::mapped::{FACES, Face, HUGE, Memory, unit};

/// Two huge pages, where the system gives them.
fn huge() -> Option<Memory> {
    let mut memory = Memory::new(2 * HUGE / PAGE_SIZE);
    // A fork, as other tests do, would have them split where they are written.
    for advice in [Advice::LinuxHugepage, Advice::LinuxDontFork] {
        // SAFETY: it changes no content.
        let _ = unsafe { madvise(memory.start(0), 2 * HUGE, advice) };
    }
    memory.touch_all();
    let address = format!("{:x}-", memory.start(0).addr());
    let smaps = fs::read_to_string("/proc/self/smaps").unwrap_or_default();
    let of_mapping = smaps.lines().skip_while(|line| !line.starts_with(&address));
    let kilobytes = of_mapping.skip(1).find_map(|line| line.strip_prefix("AnonHugePages:"));
    let is_huge = kilobytes.is_some_and(|kilobytes| kilobytes.trim() == "4096 kB");
    if !is_huge {
        say("reset: skipped huge pages: there are none of 2 MiB");
    }
    is_huge.then_some(memory)
}

/// Ranges that begin or end within a huge page: contents are right whatever that costs, and what
/// is given back unasked is whole huge pages.
#[test]
fn parts_of_huge_pages() {
    let npages = HUGE / PAGE_SIZE;
    for (how, next) in every_way() {
        for face in FACES {
            for (at, len, whole) in [
                (0, 2 * npages, 2),
                (1, 2 * npages - 2, 0),
                (0, npages + 3, 1),
                (npages - 3, npages + 3, 1),
                (npages / 2, npages / 4, 0),
            ] {
                let Some(mut memory) = huge() else { return };
                let what = (at, len, how, next, face);
                let done = memory.reset((at, len), face, how, next);
                memory.check(&what);
                if !scans() {
                    continue;
                }
                let discarded = match (how, next) {
                    (How::Discard | How::Remap, _) => len,
                    (How::Auto, Next::Idle) if len * PAGE_SIZE >= 64 << 10 => whole * npages,
                    _ => 0,
                };
                assert_eq!(done, Ok(Done { cleared: len - discarded, discarded, untouched: 0 }));
            }
        }
    }
}

/// Pages that were only read are the one page of zeroes, and stay it where the system tells so.
#[test]
fn pages_that_were_only_read() {
    let npages = (5 << 20) / PAGE_SIZE;
    for (how, next) in every_way() {
        for face in FACES {
            let mut memory = Memory::new(npages);
            // SAFETY: it changes no content.
            let _ =
                unsafe { madvise(memory.start(0), npages * PAGE_SIZE, Advice::LinuxNoHugepage) };
            memory.check(&"fresh memory");
            let done = memory.reset((0, npages), face, how, next);
            memory.check(&(how, next, face));
            if scans() && matches!(how, How::Auto | How::ClearTouched) {
                assert_eq!(done, Ok(Done { untouched: npages, ..Done::default() }), "{how:?}");
            }
        }
    }
}

/// A page in swap is not present, and holds what it held.
#[test]
fn swapped_pages() {
    let npages = 64 * unit() / PAGE_SIZE;
    for (how, next) in every_way() {
        for face in FACES {
            let mut memory = Memory::new(npages);
            memory.touch_all();
            // SAFETY: it changes no content.
            let _ = unsafe { madvise(memory.start(0), npages * PAGE_SIZE, Advice::LinuxPageOut) };
            let swapped = count(&memory, SWAPPED).filter(|swapped| *swapped > 0 && tells());
            let Some(swapped) = swapped else {
                return say("reset: skipped swapped pages: nothing is swapped out here");
            };
            let done = memory.reset((0, npages), face, how, next).unwrap();
            memory.check(&(how, next, face));
            if how == How::Auto && drops() && scans() {
                assert_eq!(done.discarded, swapped, "{next:?} {face:?}");
            }
        }
    }
}

unsafe extern "C" {
    // Of the C library that `std` links.
    fn fork() -> i32;
    fn waitpid(process: i32, status: *mut i32, options: i32) -> i32;
    fn _exit(status: i32) -> !;
    fn close(file: i32) -> i32;
}

/// Runs `in_child` in a forked process, where it may not allocate; returns whether it was true.
fn in_child(in_child: impl FnOnce() -> bool) -> bool {
    // SAFETY: what the child does is what may be done after a fork, which is the caller's promise;
    // it ends here.
    unsafe {
        let child = fork();
        assert!(child >= 0, "fork");
        if child == 0 {
            _exit(if in_child() { 0 } else { 1 });
        }
        let mut status = -1;
        assert_eq!(waitpid(child, &mut status, 0), child);
        status == 0
    }
}

/// Touches some pages, resets all, and says whether all is zero, and whether the others were left
/// alone where they should be; allocates nothing.
fn touch_and_reset(memory: &mut Memory, face: Face, how: How) -> bool {
    let step = unit() / PAGE_SIZE;
    (0..memory.npages()).filter(|at| at / step % 3 == 0).for_each(|at| memory.touch(at));
    let done = memory.reset((0, memory.npages()), face, how, Next::Used);
    let left = matches!(how, How::Auto | How::ClearTouched);
    done.is_ok_and(|done| (done.untouched > 0) == left) && memory.is_as_held()
}

/// What was opened before a fork tells of the parent, in which these pages were never touched.
#[test]
fn a_forked_child_sees_its_own_pages() {
    // Nothing is kept where nothing can be asked.
    if !scans() {
        return;
    }
    let npages = (5 << 20) / PAGE_SIZE;
    for face in FACES {
        for how in [How::Auto, How::ClearTouched, How::Discard, How::Remap] {
            let mut memory = Memory::new(npages);
            memory.reset((0, npages), face, How::ClearTouched, Next::Used).unwrap();
            assert_eq!(count(&memory, PRESENT), Some(0));
            assert!(in_child(|| {
                let child = touch_and_reset(&mut memory, face, how);
                // Gone, so that the grandchild finds nothing touched but by itself.
                child
                    && memory.reset((0, npages), face, How::Discard, Next::Used).is_ok()
                    && in_child(|| touch_and_reset(&mut memory, face, how))
            }));
            memory.check(&"the parent's");
        }
    }
}

/// Programs that become daemons close every file they did not open, and the numbers are used again.
#[test]
fn files_that_were_closed_are_opened_again() {
    if !scans() {
        return;
    }
    let npages = (5 << 20) / PAGE_SIZE;
    for face in FACES {
        let mut memory = Memory::new(npages);
        assert!(in_child(|| {
            let before = touch_and_reset(&mut memory, face, How::Auto);
            // SAFETY: the child uses none of them, but for those that this is about.
            (3..64).for_each(|file| _ = unsafe { close(file) });
            let closed = touch_and_reset(&mut memory, face, How::Auto);
            // SAFETY: as above.
            (3..64).for_each(|file| _ = unsafe { close(file) });
            let others = [(); 32].map(|()| fs::File::open("/proc/self/exe"));
            let again = touch_and_reset(&mut memory, face, How::Auto);
            std::mem::forget(others);
            before && closed && again
        }));
    }
}

/// A process may have no more mappings than so many, and to map a part of one anew makes two more.
#[test]
fn too_many_mappings() {
    let limit = fs::read_to_string("/proc/sys/vm/max_map_count").unwrap_or_default();
    if !scans() || limit.trim().parse().is_ok_and(|limit: usize| limit > 1 << 17) {
        return say("reset: skipped too many mappings: more than 2^17 may be had");
    }
    let mut memory = Memory::new(10);
    memory.touch_all();
    assert!(in_child(|| {
        let page = rustix::param::page_size();
        let (none, flags) = (ProtFlags::empty(), MapFlags::PRIVATE | MapFlags::NORESERVE);
        let many = (1 << 30) / page;
        // SAFETY: where there is room; nobody refers to it.
        let reserved = unsafe { mmap_anonymous(null_mut(), many * page, none, flags) };
        let Ok(reserved) = reserved else { return false };
        let full = (1..many).step_by(2).find(|at| {
            let place = reserved.wrapping_byte_add(at * page);
            // SAFETY: as above.
            unsafe { mprotect(place, page, MprotectFlags::READ) }.is_err()
        });
        FACES.into_iter().all(|face| {
            let done = memory.reset((3, 4), face, How::Remap, Next::Used);
            let refused = done == Err(ResetError::Refused(std::io::ErrorKind::OutOfMemory));
            full.is_some() && refused && memory.is_as_held()
        })
    }));
}

/// Linux on AArch64 lets a program keep a tag in the top byte of a pointer. The files of /proc do
/// not know of it, and fresh memory has no tag.
#[cfg(target_arch = "aarch64")]
#[test]
fn a_pointer_with_a_tag() {
    use clearpage::reset::{reset_anonymous, reset_raw};
    let npages = (5 << 20) / PAGE_SIZE;
    for (how, next) in every_way() {
        for reset in [reset_raw, reset_anonymous] {
            let mut memory = Memory::new(npages);
            memory.touch_all();
            let page = memory.page(0).map_addr(|addr| addr | 0x5a << 56);
            // SAFETY: pages of the mapping, to which nobody refers.
            match unsafe { reset(page, npages, how, next) } {
                Ok(done) => {
                    assert_eq!(done.cleared, npages, "{how:?}");
                    (0..npages).for_each(|at| memory.hold(at, 0));
                }
                Err(error) => {
                    assert!(matches!(error, ResetError::Unavailable { .. }), "{how:?}: {error}");
                    let may_be = how == How::ClearTouched && !tells();
                    assert!(may_be || matches!(how, How::Discard | How::Remap), "{how:?}");
                }
            }
            memory.check(&(how, next));
        }
    }
}
