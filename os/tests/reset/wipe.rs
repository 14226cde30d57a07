//! A wipe zeroes bytes at any address, and does not fault in pages that were never touched.

use std::ops::Range;

use clearpage::PAGE_SIZE;
use clearpage_os::raw::wipe;
use clearpage_testkit::linux::{HUGE, status_bytes, unit};
use clearpage_testkit::{alone, say};
use rustix::mm::{Advice, MapFlags, madvise};

use crate::mapped::Memory;
use crate::support::{drops, reports};
use crate::traps::{lock, map_file};

/// Long enough for a check on every kernel.
const LEN: usize = 5 << 20;
const PAGES: usize = LEN / PAGE_SIZE;

/// Returns ranges that begin and end within pages, and at their boundaries.
fn ragged(len: usize) -> [Range<usize>; 5] {
    [0..len, 1..len, 0..len - 1, PAGE_SIZE / 2..len - 7, PAGE_SIZE - 16..len - PAGE_SIZE - 1]
}

fn some_touched() -> Memory {
    let mut memory = Memory::new(PAGES);
    (0..PAGES).filter(|at| at % 7 < 2).for_each(|at| memory.touch(at));
    memory
}

#[test]
fn bytes_of_any_alignment_and_length_are_wiped() {
    let short = [0, 1, 15, 100, PAGE_SIZE - 1, PAGE_SIZE, 3 * PAGE_SIZE + 5];
    let long = [128 << 10, 256 << 10, 1 << 20].map(|len| [len - 1, len, len + PAGE_SIZE + 1]);
    for len in short.into_iter().chain(long.into_iter().flatten()) {
        for offset in [0, 1, 16, PAGE_SIZE / 2, PAGE_SIZE - 1] {
            let mut memory = Memory::new((len + offset).div_ceil(PAGE_SIZE) + 1);
            (0..memory.npages()).filter(|at| at % 3 != 1).for_each(|at| memory.touch(at));
            memory.wipe(offset..offset + len, &"some touched");
            memory.touch_all();
            memory.wipe(offset..offset + len, &"all touched");
        }
    }
}

#[test]
fn no_bytes_are_a_no_op_for_any_pointer() {
    // SAFETY: no byte is accessed.
    unsafe { wipe(std::ptr::null_mut(), 0) };
}

#[test]
fn untouched_pages_are_not_faulted_in() {
    if !reports() {
        return;
    }
    let step = unit() / PAGE_SIZE;
    for (range, split) in
        ragged(LEN).into_iter().flat_map(|range| [(range.clone(), false), (range, true)])
    {
        let mut memory = some_touched();
        // A block may lie in several mappings.
        for at in (step..PAGES - step).step_by(16 * step).filter(|_| split) {
            // SAFETY: this advice changes no content.
            unsafe { madvise(memory.start(at), step * PAGE_SIZE, Advice::LinuxDontFork) }.unwrap();
        }
        let before = memory.present().unwrap();
        memory.wipe_only(range.clone());
        // Pages that the range shares with others are cleared without a check.
        let after = memory.present().unwrap();
        assert!(after <= before + 2 * step, "{range:?} {split}: {before}, then {after}");
        memory.wipe(range, &"again");
    }
}

/// Their untouched pages are not zero, or were written through another mapping.
#[test]
fn files_and_shared_memory_are_wiped() {
    for flags in [MapFlags::PRIVATE, MapFlags::SHARED] {
        for range in ragged(LEN) {
            let step = unit() / PAGE_SIZE;
            let mut memory = some_touched();
            let middle = (PAGES / 2).next_multiple_of(step);
            let _file = map_file(&mut memory, middle, 8 * step, flags);
            memory.wipe(range, &flags);
        }
    }
    let mut shared = Memory::with(PAGES, MapFlags::SHARED).unwrap();
    (0..PAGES).step_by(3).for_each(|at| shared.touch(at));
    shared.wipe(9..LEN - 9, &"shared memory");
}

#[test]
fn locked_memory_is_wiped() {
    let step = unit() / PAGE_SIZE;
    for range in ragged(LEN) {
        for on_fault in [false, true] {
            let mut memory = some_touched();
            if lock(&memory, 8 * step, 8 * step, on_fault) {
                memory.wipe(range.clone(), &("locked", on_fault));
            }
        }
    }
}

#[test]
fn parts_of_huge_pages_are_wiped() {
    let npages = 4 * HUGE / PAGE_SIZE;
    for range in ragged(npages * PAGE_SIZE) {
        let mut memory = Memory::new(npages);
        memory.advise(Advice::LinuxHugepage);
        (npages / 4..npages / 2).for_each(|at| memory.touch(at));
        memory.wipe(range, &"huge pages");
    }
}

/// A clear would read them from swap first.
#[test]
fn swapped_out_pages_are_dropped() {
    let mut memory = Memory::new(PAGES);
    memory.touch_all();
    memory.advise(Advice::LinuxPageOut);
    if memory.swapped().is_none_or(|swapped| swapped == 0) || !reports() || !drops() {
        return say("reset: skipped wiping swapped pages: nothing is swapped out here");
    }
    let before = memory.present();
    memory.wipe_only(0..LEN);
    assert_eq!((memory.present(), memory.swapped()), (before, Some(0)));
    memory.wipe(0..LEN, &"swapped");
}

/// In a process of its own, because the system reports the peak of a whole process.
#[test]
fn a_wipe_of_gigabytes_takes_no_memory() {
    if reports() {
        alone("wipe::measure_the_peak_of_a_wipe_of_gigabytes");
    }
}

#[test]
#[ignore = "run by a_wipe_of_gigabytes_takes_no_memory"]
fn measure_the_peak_of_a_wipe_of_gigabytes() {
    let len = if cfg!(target_pointer_width = "64") { 2 << 30 } else { 1 << 28 };
    let mut block = vec![0_u8; len];
    let touched = [0, 12_345, len / 2 - 1, len / 2, len / 3 * 2, len - 1];
    touched.iter().for_each(|&at| block[at] = 0xa5);
    let before = status_bytes("VmHWM");
    // SAFETY: the bytes of this vector.
    unsafe { wipe(block.as_mut_ptr(), len) };
    let after = status_bytes("VmHWM");
    // The kernel sums counters of threads and CPUs, so that the peak may seem to fall.
    assert!(after.saturating_sub(before) < 1 << 20, "the peak was {before} bytes, then {after}");
    assert!(touched.iter().all(|&at| block[at] == 0));
}
