//! Short memory, and a kernel without `PAGEMAP_SCAN`: resets and prefaults in the guests of `.ci/guests`, which have a small
//! control group and swap. Elsewhere these tests are ignored.

use std::fs;

use clearpage::PAGE_SIZE;
use clearpage_os::{HugePages, raw};
use rustix::mm::Advice;

use crate::mapped::Memory;

/// Returns how many pages this process's control group may have in memory.
fn limit() -> usize {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap();
    let group = groups.lines().find_map(|line| line.strip_prefix("0::")).unwrap();
    let limit = fs::read_to_string(format!("/sys/fs/cgroup{group}/memory.max")).unwrap();
    let limit: usize = limit.trim().parse().expect("a control group with a limit");
    assert!(limit <= 64 << 20, "not a small control group: its limit is {limit} bytes");
    limit / PAGE_SIZE
}

/// Returns fresh memory without huge pages, each of which would count as 512 pages.
fn small_pages(npages: usize) -> Memory {
    let memory = Memory::new(npages);
    memory.advise(Advice::LinuxNoHugepage);
    memory
}

fn prefault(memory: &Memory, npages: usize) {
    assert!(npages <= memory.npages());
    // SAFETY: pages of the mapping, to which nothing else writes.
    unsafe { raw::prefault(memory.page(0), npages, HugePages::AsMapped) }.unwrap();
}

/// In a small group without swap.
mod limited {
    use std::os::unix::process::ExitStatusExt;

    use clearpage_os::reset::Method;
    use clearpage_testkit::{child_with, texts};

    use super::{limit, small_pages};
    use crate::METHODS;
    use crate::mapped::FACES;

    #[test]
    #[ignore = "run by .ci/guests"]
    fn a_sparse_range_of_eight_times_the_limit_is_reset() {
        let npages = 8 * limit();
        for method in METHODS.into_iter().filter(|&method| method != Method::Clear) {
            for face in FACES {
                let mut memory = small_pages(npages);
                (0..npages).step_by(97).for_each(|at| memory.touch(at));
                memory.reset_all(face, method).unwrap();
                // A read maps the shared zero page, which is not charged to the group.
                memory.check(&(method, face));
            }
        }
    }

    /// Shows that the limit is in force: what the test above leaves out.
    #[test]
    #[ignore = "run by .ci/guests"]
    fn clearing_twice_the_limit_ends_the_process() {
        const SIGKILL: i32 = 9;
        let output = child_with("pressure::children::clear_twice_the_limit", &[]);
        assert_eq!(output.status.signal(), Some(SIGKILL), "{output:?}");
    }

    #[test]
    #[ignore = "run by .ci/guests"]
    fn prefault_succeeds_within_the_limit_and_never_past_it() {
        let output = child_with("pressure::children::prefault_around_the_limit", &[]);
        let (_, text, errors) = texts(&output);
        assert!(text.contains("half the limit is present"), "{text}\n{errors}");
        assert!(!output.status.success(), "{text}");
    }
}

/// Run by the tests of [`limited`], each as a process that may be killed.
mod children {
    use clearpage_os::reset::Method;

    use super::{limit, prefault, small_pages};
    use crate::mapped::Face;

    #[test]
    #[ignore = "run by the tests of limited"]
    fn clear_twice_the_limit() {
        small_pages(2 * limit()).reset_all(Face::Slice, Method::Clear).unwrap();
    }

    #[test]
    #[ignore = "run by the tests of limited"]
    fn prefault_around_the_limit() {
        let limit = limit();
        for (npages, what) in [(limit / 2, "half the limit"), (2 * limit, "twice the limit")] {
            let memory = small_pages(npages);
            prefault(&memory, npages);
            assert_eq!(memory.present(), Some(npages));
            println!("{what} is present");
        }
    }
}

/// In a small group with swap.
mod swapped {
    use std::fs;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::thread;

    use clearpage_os::reset::{Method, Reuse};

    use super::{limit, prefault, small_pages};
    use crate::METHODS;
    use crate::mapped::{FACES, Face, Memory};

    /// Touches half as much again as the group may have, so that the kernel swaps pages out.
    fn partly_swapped() -> Memory {
        let mut memory = small_pages(limit() / 2 * 3);
        memory.touch_all();
        let swapped = memory.swapped().unwrap();
        assert!(swapped > memory.npages() / 4, "only {swapped} pages are swapped out");
        memory
    }

    /// Returns how many pages the system has read from swap.
    fn read_from_swap() -> usize {
        let counters = fs::read_to_string("/proc/vmstat").unwrap();
        let pages = counters.lines().find_map(|line| line.strip_prefix("pswpin "));
        pages.unwrap().parse().unwrap()
    }

    #[test]
    #[ignore = "run by .ci/guests"]
    fn auto_drops_swapped_out_pages_without_reading_them() {
        for face in FACES {
            for reuse in [Reuse::Likely, Reuse::Unlikely] {
                let mut memory = partly_swapped();
                let (swapped, before) = (memory.swapped().unwrap(), read_from_swap());
                let (cleared, discarded, _) = memory.reset_all(face, Method::Auto(reuse)).unwrap();
                let read = read_from_swap() - before;
                let what = format!("{face:?}, {reuse:?}: {swapped} swapped out, {read} read");
                assert_eq!(cleared + discarded, memory.npages(), "{what}");
                // The kernel may swap out more meanwhile, and read parts of this program.
                let nearly_all = swapped - swapped / 16;
                assert!(discarded >= nearly_all && read < swapped / 16, "{discarded}: {what}");
                memory.check(&what);
            }
        }
    }

    /// Calls `f` while another thread writes to a quarter of what the group may have.
    fn beside_a_writer(f: impl FnOnce()) {
        /// Also after a panic, or the writer would never end.
        struct StopOnDrop<'a>(&'a AtomicBool);
        impl Drop for StopOnDrop<'_> {
            fn drop(&mut self) {
                self.0.store(true, Relaxed);
            }
        }
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut memory = small_pages(limit() / 4);
                while !stop.load(Relaxed) {
                    memory.touch_all();
                }
                memory.check(&"the writer's memory");
            });
            let _stop = StopOnDrop(&stop);
            f();
        });
    }

    #[test]
    #[ignore = "run by .ci/guests"]
    fn every_method_zeroes_memory_while_the_kernel_swaps() {
        beside_a_writer(|| {
            for method in METHODS {
                let mut memory = partly_swapped();
                let result = memory.reset_all(Face::Slice, method);
                memory.check(&(method, result));
                assert!(result.is_ok(), "{method:?}: {result:?}");
            }
        });
    }

    #[test]
    #[ignore = "run by .ci/guests"]
    fn prefault_changes_no_contents_while_the_kernel_swaps() {
        let memory = partly_swapped();
        beside_a_writer(|| {
            for npages in [memory.npages(), memory.npages() / 8] {
                prefault(&memory, npages);
                memory.check(&npages);
            }
        });
    }

    #[test]
    #[ignore = "run by .ci/guests"]
    fn prefault_reads_swapped_out_pages() {
        // The first pages that were touched are the first to be swapped out.
        let memory = partly_swapped();
        let part = limit() / 4;
        let before = read_from_swap();
        prefault(&memory, part);
        let read = read_from_swap() - before;
        assert!(read > part / 2, "{read} of {part} pages were read");
        memory.check(&"prefault");
    }
}

/// On Linux before 6.7.
mod old {
    use clearpage::PAGE_SIZE;
    use clearpage_os::reset::{Method, Reuse};
    use rustix::io::Errno;

    use super::small_pages;
    use crate::mapped::FACES;
    use crate::support::scan;

    #[test]
    #[ignore = "run by .ci/guests"]
    fn touched_pages_are_found_without_pagemap_scan() {
        // Long enough for a check on any kernel.
        let npages = (5 << 20) / PAGE_SIZE;
        let mut memory = small_pages(npages);
        assert_eq!(scan(&memory), Err(Errno::NOTTY));
        let touched = npages.div_ceil(5);
        for method in [Method::Auto(Reuse::Likely), Method::ClearTouched] {
            for face in FACES {
                (0..npages).step_by(5).for_each(|at| memory.touch(at));
                let result = memory.reset_all(face, method);
                assert_eq!(result, Ok((touched, 0, npages - touched)), "{method:?} {face:?}");
                assert_eq!(memory.present(), Some(touched), "{method:?} {face:?}");
            }
        }
        memory.check(&"all resets");
    }
}
