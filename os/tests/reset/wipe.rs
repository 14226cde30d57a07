//! Wiping: bytes at any address become zero, and pages that were never touched stay away.

use std::fs;
use std::ops::Range;

use clearpage::PAGE_SIZE;
use clearpage_os::reset::wipe;
use rustix::mm::{Advice, MapFlags, madvise};

use crate::known::{PRESENT, SWAPPED, count, drops, scans, tells};
use crate::mapped::{HUGE, Memory, unit};
use crate::traps::{lock, map_file};
use clearpage_testkit::{child, say};

/// Long enough for a look on every kernel.
const LEN: usize = 5 << 20;
const PAGES: usize = LEN / PAGE_SIZE;

/// Ranges that begin and end within pages, and at their boundaries.
fn ragged(len: usize) -> [Range<usize>; 5] {
    [0..len, 1..len, 0..len - 1, PAGE_SIZE / 2..len - 7, PAGE_SIZE - 16..len - PAGE_SIZE - 1]
}

fn some_touched() -> Memory {
    let mut memory = Memory::new(PAGES);
    (0..PAGES).filter(|at| at % 7 < 2).for_each(|at| memory.touch(at));
    memory
}

#[test]
fn bytes_of_any_alignment_and_length() {
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
fn nothing_is_wiped_at_any_pointer() {
    // SAFETY: no byte is touched.
    unsafe { wipe(std::ptr::null_mut(), 0) };
}

#[test]
fn untouched_pages_are_not_faulted_in() {
    if !tells() {
        return;
    }
    for (range, split) in
        ragged(LEN).into_iter().flat_map(|range| [(range.clone(), false), (range, true)])
    {
        let mut memory = some_touched();
        let step = unit() / PAGE_SIZE;
        // A block may lie in several mappings.
        for at in (step..PAGES - step).step_by(16 * step).filter(|_| split) {
            // SAFETY: it changes no content.
            unsafe { madvise(memory.start(at), step * PAGE_SIZE, Advice::LinuxDontFork) }.unwrap();
        }
        let before = count(&memory, PRESENT).unwrap();
        // SAFETY: bytes of the mapping, to which nobody refers.
        unsafe { wipe(memory.start(0).cast::<u8>().add(range.start), range.len()) };
        // The pages that a ragged end shares with others are cleared unseen.
        let after = count(&memory, PRESENT).unwrap();
        assert!(after <= before + 2 * step, "{range:?} {split}: {before}, now {after}");
        memory.wipe(range, &"again");
    }
}

/// What is not touched there is not zero, or is written elsewhere.
#[test]
fn memory_of_files_and_shared_memory_is_cleared() {
    for flags in [MapFlags::PRIVATE, MapFlags::SHARED] {
        for range in ragged(LEN) {
            let step = unit() / PAGE_SIZE;
            let mut memory = some_touched();
            // A file amid anonymous memory.
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
        // SAFETY: it changes no content. A kernel without huge pages refuses it.
        let _ = unsafe { madvise(memory.start(0), npages * PAGE_SIZE, Advice::LinuxHugepage) };
        (npages / 4..npages / 2).for_each(|at| memory.touch(at));
        memory.wipe(range, &"huge pages");
    }
}

/// To clear them, they would be read back first.
#[test]
fn swapped_pages_are_dropped() {
    let mut memory = Memory::new(PAGES);
    memory.touch_all();
    // SAFETY: it changes no content.
    let _ = unsafe { madvise(memory.start(0), LEN, Advice::LinuxPageOut) };
    if count(&memory, SWAPPED).is_none_or(|swapped| swapped == 0) || !scans() || !drops() {
        return say("reset: skipped wiping swapped pages: nothing is swapped out here");
    }
    let before = count(&memory, PRESENT);
    // SAFETY: bytes of the mapping, to which nobody refers.
    unsafe { wipe(memory.start(0).cast(), LEN) };
    assert_eq!((count(&memory, PRESENT), count(&memory, SWAPPED)), (before, Some(0)));
    memory.wipe(0..LEN, &"swapped");
}

/// In a process of its own, of which the system tells how much memory it ever had.
#[test]
fn a_block_of_gigabytes_costs_what_was_touched() {
    if tells() {
        let output = child("wipe::peak_of_a_block_of_gigabytes", ("RUST_TEST_THREADS", "1"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
#[ignore = "run by a_block_of_gigabytes_costs_what_was_touched"]
fn peak_of_a_block_of_gigabytes() {
    let peak = || -> usize {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
    };
    let len = if cfg!(target_pointer_width = "64") { 2 << 30 } else { 1 << 28 };
    let mut block = vec![0_u8; len];
    let touched = [0, 12_345, len / 2 - 1, len / 2, len / 3 * 2, len - 1];
    touched.iter().for_each(|&at| block[at] = 0xa5);
    let before = peak();
    // SAFETY: the bytes of this vector.
    unsafe { wipe(block.as_mut_ptr(), len) };
    let after = peak();
    assert!(after - before < 1024, "VmHWM was {before} kB, is {after} kB");
    assert!(touched.iter().all(|&at| block[at] == 0));
}
