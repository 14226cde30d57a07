//! Any number of threads clears exactly the range.

use std::num::NonZeroUsize;

use clearpage::{Intent, PAGE_SIZE, Page};
use clearpage_os::{HugePages, parallel};
use clearpage_testkit::Garbage;

const MIB: usize = 1 << 20;

fn threads(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

/// Most of these ranges begin and end within a huge page, wherever the memory begins.
fn lengths() -> [usize; 7] {
    let huge = 2 * MIB / PAGE_SIZE;
    [0, 1, huge - 1, huge, huge + 1, 3 * huge + 7, 8 * huge + 1]
}

#[test]
fn any_number_of_threads_clears_exactly_the_range() {
    for npages in lengths() {
        let len = npages * PAGE_SIZE;
        let mut memory = Garbage::new(len);
        for n in (1..=8).chain([usize::MAX]) {
            for intent in Intent::ALL {
                parallel::clear_pages_on(memory.pages(npages), intent, threads(n));
                memory.check(0, len, &format_args!("{n} threads, {}", intent.name()));
            }
        }
    }
}

/// The last length is long enough for threads.
#[test]
fn any_range_is_cleared_by_as_many_threads_as_pay_off() {
    for npages in lengths().into_iter().chain([80 * MIB / PAGE_SIZE + 3]) {
        let len = npages * PAGE_SIZE;
        let mut memory = Garbage::new(len);
        for intent in Intent::ALL {
            parallel::clear_pages_for(memory.pages(npages), intent);
            memory.check(0, len, &format_args!("{npages} pages, {}", intent.name()));
        }
    }
}

#[test]
fn untouched_memory_is_cleared() {
    let mut pages = vec![Page::ZERO; 64 * MIB / PAGE_SIZE + 1];
    parallel::clear_pages_for(&mut pages, Intent::Cold);
    assert!(pages.iter().all(|page| page.as_bytes() == &[0; PAGE_SIZE]));
}

#[test]
fn prefault_changes_no_contents() {
    for len in [0, 3 * PAGE_SIZE, 64 * MIB + PAGE_SIZE] {
        let mut memory = Garbage::new(len);
        for huge in [HugePages::Advise, HugePages::AsMapped] {
            parallel::prefault(memory.pages(len / PAGE_SIZE), huge).unwrap();
            memory.check(0, 0, &format_args!("parallel::prefault, {huge:?}"));
        }
    }
}

#[test]
fn concurrent_callers_do_not_interfere() {
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

/// The stacks are too large for any machine, so no thread starts. On Windows the test harness would
/// not start either.
#[test]
#[cfg(unix)]
fn if_no_thread_starts_the_caller_clears_alone() {
    let output = clearpage_testkit::child(
        "without_threads",
        ("RUST_MIN_STACK", &(usize::MAX / 8 * 7).to_string()),
    );
    let [text, errors] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success() && text.contains("1 passed"), "{text}\n{errors}");
}

#[test]
#[cfg(unix)]
#[ignore = "a child of if_no_thread_starts_the_caller_clears_alone"]
fn without_threads() {
    assert!(std::thread::Builder::new().spawn(|| ()).is_err(), "a thread started");
    let len = 9 * MIB;
    let mut memory = Garbage::new(len);
    parallel::clear_pages_on(memory.pages(len / PAGE_SIZE), Intent::Cold, threads(4));
    memory.check(0, len, &"no thread");
}

/// Both a range for one thread and one that is long enough for several.
#[test]
#[cfg(target_os = "linux")]
fn prefault_makes_every_page_present() {
    use clearpage_testkit::linux::{Mapping, populates, present};

    if !populates() {
        return;
    }
    for npages in [3, 80 * MIB / PAGE_SIZE] {
        let mut mapping = Mapping::new(npages * PAGE_SIZE);
        let pages = mapping.pages(0, npages);
        parallel::prefault(pages, HugePages::AsMapped).unwrap();
        assert_eq!(present(pages), npages);
    }
}
