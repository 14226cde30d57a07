//! Clearing on several threads: exactly the range, by any number of them, more than there are CPUs.

use std::num::NonZeroUsize;

use clearpage::{Intent, PAGE_SIZE, Page, parallel};
use clearpage_os::prefault::HugePages;
use clearpage_testkit::{Garbage, child};

const MIB: usize = 1 << 20;

fn threads(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

/// Nothing, less than a huge page, about one, and several with a part at either end: wherever the
/// memory begins, most of them begin and end between huge pages.
fn lengths() -> [usize; 7] {
    let huge = 2 * MIB / PAGE_SIZE;
    [0, 1, huge - 1, huge, huge + 1, 3 * huge + 7, 8 * huge + 1]
}

#[test]
fn any_number_of_threads_clears_exactly_the_range() {
    for npages in lengths() {
        let len = npages * PAGE_SIZE;
        let mut memory = Garbage::new(len);
        for n in 1..=8 {
            for intent in Intent::ALL {
                parallel::clear_pages_on(memory.pages(npages), intent, threads(n));
                memory.check(0, len, &format_args!("{n} threads, {}", intent.name()));
            }
        }
        parallel::clear_pages_on(memory.pages(npages), Intent::Cold, threads(usize::MAX));
        memory.check(0, len, &"as many threads as can be");
    }
}

#[test]
fn short_ranges_are_cleared() {
    for npages in lengths() {
        let mut memory = Garbage::new(npages * PAGE_SIZE);
        for intent in Intent::ALL {
            parallel::clear_pages(memory.pages(npages), intent);
            memory.check(0, npages * PAGE_SIZE, &"parallel::clear_pages");
        }
    }
}

/// Long enough for threads to be thought about; begins and ends between huge pages.
#[test]
fn a_long_range_is_cleared() {
    let len = 80 * MIB + 3 * PAGE_SIZE;
    let mut memory = Garbage::new(len);
    for intent in Intent::ALL {
        parallel::clear_pages(memory.pages(len / PAGE_SIZE), intent);
        memory.check(0, len, &format_args!("parallel::clear_pages, {}", intent.name()));
    }
}

/// Memory that is touched for the first time, by whichever thread has it.
#[test]
fn a_fresh_range_is_cleared() {
    let mut pages = vec![Page::ZERO; 64 * MIB / PAGE_SIZE + 1];
    parallel::clear_pages(&mut pages, Intent::Cold);
    assert!(pages.iter().all(|page| page.as_bytes().iter().all(|&byte| byte == 0)));
}

#[test]
fn faulting_in_changes_nothing() {
    for len in [0, 3 * PAGE_SIZE, 64 * MIB + PAGE_SIZE] {
        let mut memory = Garbage::new(len);
        for huge in [HugePages::Advise, HugePages::AsMapped] {
            parallel::prefault(memory.pages(len / PAGE_SIZE), huge).unwrap();
            memory.check(0, 0, &format_args!("parallel::prefault, {huge:?}"));
        }
    }
}

#[test]
fn several_callers_at_once_do_not_meet() {
    std::thread::scope(|scope| {
        for n in 1..=4 {
            scope.spawn(move || {
                let len = 5 * MIB;
                let mut memory = Garbage::new(len);
                parallel::clear_pages_on(memory.pages(len / PAGE_SIZE), Intent::Auto, threads(n));
                memory.check(0, len, &format_args!("caller {n}"));
            });
        }
    });
}

/// Stacks too large for any machine: no thread can be had.
#[test]
fn without_threads_the_caller_clears_alone() {
    let stack = (usize::MAX / 8 * 7).to_string();
    let output = child("alone", ("RUST_MIN_STACK", &stack));
    let (text, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}\n{errors}");
    assert!(text.contains("1 passed"), "{text}");
}

#[test]
#[ignore = "a child of without_threads_the_caller_clears_alone"]
fn alone() {
    let thread = std::thread::Builder::new().spawn(|| ());
    assert!(thread.is_err(), "this is to be tried where no thread can be had");
    let len = 9 * MIB;
    let mut memory = Garbage::new(len);
    parallel::clear_pages_on(memory.pages(len / PAGE_SIZE), Intent::Cold, threads(4));
    memory.check(0, len, &"no thread");
}
