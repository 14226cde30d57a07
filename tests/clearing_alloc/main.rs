//! `ClearingAlloc` over an allocator that returns garbage and checks the blocks that are freed.

mod stress;
mod wrong;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::RefCell;

use clearpage::hooks::{ClearingAlloc, Counters, InitPolicy, NoStats, set_policy};
use clearpage_testkit::flags::POLICIES;
use clearpage_testkit::is_all;
use clearpage_testkit::recording::{Calls, POISON, Recording};
use clearpage_testkit::user::{Ink, Step, Thresholds, User};
use quickcheck::{Arbitrary, Gen, quickcheck};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).unwrap()
}

/// Returns a user of an allocator around a `Recording`.
fn user<A: GlobalAlloc>(alloc: &A, policy: InitPolicy, seed: u32) -> User<'_, A> {
    // SAFETY: `Recording` initialises all blocks.
    let mut user = unsafe { User::new(alloc, policy, Ink::Blue, seed) };
    user.garbage = Some(POISON);
    user
}

/// Makes `steps` and frees all blocks. Returns the errors of the allocator that is around `inner`.
fn serve<A: GlobalAlloc>(user: &mut User<A>, inner: &Recording, steps: &[Step]) -> Vec<String> {
    steps.iter().for_each(|step| _ = user.step(*step));
    user.finish();
    let mut faults: Vec<_> = user.faults.iter().map(|fault| format!("{fault:?}")).collect();
    let calls = inner.calls();
    for (what, found, expected) in [
        ("blocks freed without a clear", calls.unwiped, user.unwiped),
        ("blocks that the inner allocator zeroed", calls.alloc_zeroed, user.by_inner),
        ("blocks leaked", calls.live, 0),
        ("unknown blocks freed", calls.unknown, 0),
        ("redzones written", calls.overrun, 0),
    ] {
        if found != expected {
            faults.push(format!("{what}: {found}, not {expected}"));
        }
    }
    faults
}

/// Panics unless `ClearingAlloc` around `inner`, with these thresholds, applies `policy` to `steps`
/// and its statistics are exact.
fn check_with(
    thresholds: Thresholds,
    inner: Recording,
    policy: InitPolicy,
    steps: &[Step],
) -> Calls {
    let mut alloc = ClearingAlloc::with_stats(inner, Counters::new())
        .with_policy(policy)
        .unmap_threshold(thresholds.unmaps);
    if let Some(from) = thresholds.zeroes {
        alloc = alloc.alloc_zeroed_threshold(from);
    }
    check_alloc(&alloc, thresholds, policy, steps);
    alloc.inner().calls()
}

fn check_alloc(
    alloc: &ClearingAlloc<Recording, Counters>,
    thresholds: Thresholds,
    policy: InitPolicy,
    steps: &[Step],
) {
    let mut user = user(alloc, policy, 0);
    user.thresholds = thresholds;
    let faults = serve(&mut user, alloc.inner(), steps);
    assert_eq!(faults, [""; 0], "{policy:?}, {thresholds:?}, {steps:?}");
    assert_eq!(alloc.stats().read(), user.expected, "{policy:?}, {thresholds:?}, {steps:?}");
}

/// [`check_with`] the default thresholds.
fn check(inner: Recording, policy: InitPolicy, steps: &[Step]) -> Calls {
    check_with(Thresholds::default(), inner, policy, steps)
}

/// Returns a size of up to four pages; short ones are as likely as long ones.
fn any_size(g: &mut Gen) -> usize {
    let bits = u32::arbitrary(g) % 14;
    1 + usize::arbitrary(g) % (2 << bits)
}

/// Returns an alignment of up to 64 KiB, usually a common one.
fn any_align(g: &mut Gen) -> usize {
    let bits: &[u32] =
        g.choose(&[&[0, 3, 4][..], &[0, 3, 4], &[1, 2, 5, 6, 7, 8, 12, 16]]).unwrap();
    1 << g.choose(bits).unwrap()
}

#[derive(Clone, Copy, Debug)]
struct AnyStep(Step);

impl Arbitrary for AnyStep {
    fn arbitrary(g: &mut Gen) -> Self {
        let which = usize::arbitrary(g);
        Self(match u8::arbitrary(g) % 8 {
            0..3 => Step::Alloc(layout(any_size(g), any_align(g))),
            3 => Step::Zeroed(layout(any_size(g), any_align(g))),
            4..6 => Step::Realloc(which, any_size(g)),
            _ => Step::Dealloc(which),
        })
    }
}

fn steps(steps: &[AnyStep]) -> Vec<Step> {
    steps.iter().map(|step| step.0).collect()
}

/// Returns no size, a size of up to 64 KiB, and every size.
fn limits(from: u16) -> [usize; 3] {
    [0, usize::from(from) >> (from % 16), usize::MAX]
}

std::thread_local! {
    /// The lengths of the blocks that this thread wiped.
    static WIPED: RefCell<Vec<usize>> = const { RefCell::new(vec![]) };
}

/// # Safety
/// `ptr` is valid for writes of `len` bytes.
unsafe fn wipe(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { ptr.write_bytes(0, len) };
    WIPED.with_borrow_mut(|wiped| wiped.push(len));
}

/// # Safety
/// None.
unsafe fn do_not_wipe(_: *mut u8, _: usize) {}

quickcheck! {
    fn every_sequence_of_calls_is_served(any: Vec<AnyStep>) -> bool {
        let steps = steps(&any);
        for policy in POLICIES {
            let calls = check(Recording::default(), policy, &steps);
            assert!(calls.realloc == 0 || !policy.on_free, "the inner realloc clears nothing");
        }
        true
    }

    fn thresholds_select_the_calls_of_the_inner_allocator(any: Vec<AnyStep>, from: u16) -> bool {
        let steps = steps(&any);
        let zeroes = limits(from).map(|from| Thresholds { zeroes: Some(from), unmaps: usize::MAX });
        let unmaps = limits(from).map(|unmaps| Thresholds { zeroes: None, unmaps });
        for policy in POLICIES {
            for thresholds in zeroes.into_iter().chain(unmaps) {
                let points = check_with(thresholds, Recording::default(), policy, &steps).fallible();
                for point in 0..points.min(4) {
                    check_with(thresholds, Recording::failing_at(point), policy, &steps);
                }
            }
        }
        true
    }

    fn any_call_may_fail(any: Vec<AnyStep>) -> bool {
        let steps = steps(&any[..any.len().min(8)]);
        for policy in POLICIES {
            let points = check(Recording::default(), policy, &steps).fallible();
            for point in 0..points {
                check(Recording::failing_at(point), policy, &steps);
            }
        }
        true
    }

    fn wipe_with_is_called_for_the_long_blocks_that_are_cleared_on_free(
        any: Vec<AnyStep>, from: u16, unmaps: u16
    ) -> bool {
        let steps = steps(&any);
        for (policy, from) in POLICIES.iter().flat_map(|p| limits(from).map(|from| (*p, from))) {
            let alloc = |wipe| {
                let alloc = ClearingAlloc::with_stats(Recording::default(), Counters::new());
                let alloc = alloc.with_policy(policy).unmap_threshold(usize::from(unmaps));
                // SAFETY: both functions write to the block at most; the second one is a mistake
                // that `Recording` must find.
                unsafe { alloc.wipe_with(from, wipe) }
            };
            let thresholds = Thresholds { zeroes: None, unmaps: usize::from(unmaps) };
            let run = |wipe| {
                let alloc = alloc(wipe);
                let mut user = user(&alloc, policy, 0);
                user.thresholds = thresholds;
                let faults = serve(&mut user, alloc.inner(), &steps);
                assert_eq!(alloc.stats().read(), user.expected);
                let long = user.wiped.into_iter().filter(|&len| len >= from).collect::<Vec<_>>();
                (faults, long, alloc.inner().calls().unwiped - user.unwiped)
            };
            let (faults, long, unwiped) = run(wipe);
            assert_eq!((faults, unwiped), (vec![], 0), "{policy:?}, {from}");
            assert_eq!(WIPED.take(), long, "{policy:?}, {from}");
            // Nothing else clears these blocks.
            let (_, long, unwiped) = run(do_not_wipe);
            assert_eq!(unwiped, long.len(), "{policy:?}, {from}");
        }
        true
    }
}

#[test]
fn every_size_is_cleared_exactly() {
    let pages =
        (1..=4).flat_map(|pages| [4 * KIB * pages - 1, 4 * KIB * pages, 4 * KIB * pages + 1]);
    for size in (1..600).chain(pages) {
        let layout = layout(size, 1 << (size % 7));
        let steps = [
            Step::Alloc(layout),
            Step::Realloc(0, size + 1 + size / 2),
            Step::Realloc(0, size),
            Step::Realloc(0, size.div_ceil(3)),
            Step::Zeroed(layout),
            Step::Dealloc(1),
        ];
        for policy in POLICIES {
            check(Recording::default(), policy, &steps);
        }
    }
}

#[test]
fn every_alignment_is_served() {
    for (align, size) in (0..=21).flat_map(|bits| [(1 << bits, 1), (1 << bits, 4 * KIB + 1)]) {
        let steps = [
            Step::Alloc(layout(size, align)),
            Step::Zeroed(layout(size, align)),
            Step::Realloc(0, 3 * size),
        ];
        for policy in POLICIES {
            check(Recording::default(), policy, &steps);
        }
    }
}

/// The block is longer than most last-level caches, for which clears bypass the cache.
#[test]
fn a_huge_block_is_cleared_exactly() {
    let alloc = ClearingAlloc::new(Recording::default()).with_policy(InitPolicy::BOTH);
    let (small, huge) = (layout(33 * MIB + 5, 2 * MIB), layout(34 * MIB + 1, 2 * MIB));
    // SAFETY: the blocks are used within their sizes, and freed once.
    unsafe {
        let ptr = alloc.alloc(small);
        assert!(is_all(0, std::slice::from_raw_parts(ptr, small.size())));
        ptr.write_bytes(1, small.size());
        let ptr = alloc.realloc(ptr, small, huge.size());
        let (kept, grown) = std::slice::from_raw_parts(ptr, huge.size()).split_at(small.size());
        assert!(is_all(1, kept) && is_all(0, grown));
        alloc.dealloc(ptr, huge);
    }
    assert_eq!(alloc.inner().calls().unwiped, 0);
}

#[test]
fn zero_sized_blocks_are_passed_on() {
    /// Has no memory: a write faults.
    struct Nothing;
    // SAFETY: zero-sized blocks need no memory.
    unsafe impl GlobalAlloc for Nothing {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            std::ptr::without_provenance_mut(layout.align())
        }
        unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
    }
    let alloc = ClearingAlloc::with_stats(Nothing, Counters::new()).with_policy(InitPolicy::BOTH);
    let none = layout(0, 64);
    // SAFETY: no byte is accessed.
    unsafe {
        let ptr = alloc.realloc(alloc.alloc(none), none, 0);
        assert_eq!(ptr.addr(), 64);
        alloc.dealloc(ptr, none);
    }
    let counts = alloc.stats().read();
    assert_eq!((counts.on_alloc.cleared_bytes, counts.on_free.cleared_bytes), (0, 0));
}

/// Only this test changes the policy of the process.
#[test]
fn the_policy_of_the_process_applies_by_default() {
    let steps = [Step::Alloc(layout(1000, 8)), Step::Realloc(0, 5000), Step::Realloc(0, 50)];
    for policy in POLICIES {
        set_policy(policy);
        let alloc = ClearingAlloc::with_stats(Recording::default(), Counters::new());
        check_alloc(&alloc, Thresholds::default(), policy, &steps);
        check_alloc(&ClearingAlloc::default(), Thresholds::default(), policy, &steps);
    }
    set_policy(InitPolicy::OFF);
}

#[test]
fn default_has_the_thresholds_of_new() {
    let sizes = [1, 4 * KIB, 33 * KIB, 3 * MIB];
    let steps = sizes.map(|size| [Step::Alloc(layout(size, 8)), Step::Zeroed(layout(size, 8))]);
    for policy in POLICIES {
        let alloc = ClearingAlloc::<Recording, Counters>::default().with_policy(policy);
        check_alloc(&alloc, Thresholds::default(), policy, &steps.concat());
    }
}

#[test]
fn no_stats_take_no_space() {
    let with = size_of::<ClearingAlloc<System, usize>>();
    let without = size_of::<ClearingAlloc<System, NoStats>>();
    assert_eq!(with - without, size_of::<usize>());
}
