//! `ClearingAlloc` over an allocator that hands out garbage and looks at what comes back.

mod recording;
mod stress;
mod user;
mod wrong;

use std::alloc::{GlobalAlloc, Layout};

use clearpage::hooks::{ClearingAlloc, Counters, Counts, InitPolicy, NoStats, set_policy};
use quickcheck::{Arbitrary, Gen, quickcheck};
use recording::{Calls, Recording, is_all};
use user::{ByInner, Step, User};

const POLICIES: [InitPolicy; 4] =
    [InitPolicy::OFF, InitPolicy::ON_ALLOC, InitPolicy::ON_FREE, InitPolicy::BOTH];
const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).unwrap()
}

/// Has the user of an allocator that is around `inner` do `steps` and give everything back. What was
/// wrong, and what the statistics should be.
fn serve<A: GlobalAlloc>(
    mut user: User<A>,
    inner: &Recording,
    steps: &[Step],
) -> (Vec<String>, Counts) {
    steps.iter().for_each(|step| user.step(*step));
    user.finish();
    let calls = inner.calls();
    for (what, found, expected) in [
        ("blocks not wiped", calls.unwiped, user.unwiped),
        ("blocks that the inner allocator zeroed", calls.alloc_zeroed, user.by_inner),
        ("blocks leaked", calls.live, 0),
        ("blocks that nobody had", calls.strange, 0),
    ] {
        if found != expected {
            user.faults.push(format!("{what}: {found}, not {expected}"));
        }
    }
    (user.faults, user.expected)
}

/// Panics unless `ClearingAlloc` around `inner` serves `steps` as `policy` says, and its statistics
/// tell just that; with blocks of some `sizes` left to `inner`.
fn check_by(sizes: ByInner, inner: Recording, policy: InitPolicy, steps: &[Step]) -> Calls {
    let mut alloc = ClearingAlloc::with_stats(inner, Counters::new()).with_policy(policy);
    if let Some(from) = sizes.zeroes_from {
        alloc = alloc.alloc_zeroed_threshold(from);
    }
    if let Some(from) = sizes.unmaps_from {
        alloc = alloc.unmap_threshold(from);
    }
    let user = User::new(&alloc, policy, 0).by_inner(sizes);
    let (faults, expected) = serve(user, alloc.inner(), steps);
    assert_eq!(faults, [""; 0], "{policy:?}, {sizes:?}, {steps:?}");
    assert_eq!(alloc.stats().read(), expected, "{policy:?}, {sizes:?}, {steps:?}");
    alloc.inner().calls()
}

/// [`check_by`] where nothing is said.
fn check(inner: Recording, policy: InitPolicy, steps: &[Step]) -> Calls {
    check_by(ByInner::default(), inner, policy, steps)
}

/// Up to four pages, short ones as likely as long ones.
fn any_size(g: &mut Gen) -> usize {
    let bits = u32::arbitrary(g) % 14;
    1 + usize::arbitrary(g) % (2 << bits)
}

/// Up to 2 MiB, but mostly what programs have.
fn any_align(g: &mut Gen) -> usize {
    let bits: &[u32] =
        g.choose(&[&[0, 3, 4][..], &[0, 3, 4], &[1, 2, 5, 6, 7, 8, 12, 16, 21]]).unwrap();
    1 << g.choose(bits).unwrap()
}

impl Arbitrary for Step {
    fn arbitrary(g: &mut Gen) -> Self {
        let which = usize::arbitrary(g);
        match u8::arbitrary(g) % 8 {
            0..3 => Self::Alloc { layout: layout(any_size(g), any_align(g)) },
            3 => Self::Zeroed { layout: layout(any_size(g), any_align(g)) },
            4..6 => Self::Realloc { which, size: any_size(g) },
            _ => Self::Dealloc { which },
        }
    }
}

quickcheck! {
    fn any_use_is_served(steps: Vec<Step>) -> bool {
        for policy in POLICIES {
            let calls = check(Recording::default(), policy, &steps);
            assert!(calls.realloc == 0 || !policy.on_free, "left to the inner allocator: {calls:?}");
        }
        true
    }

    fn the_inner_allocator_does_what_it_is_to(steps: Vec<Step>, from: u16) -> bool {
        let limits = [0, usize::from(from) >> (from % 16), usize::MAX].map(Some);
        let zeroes = limits.map(|zeroes_from| ByInner { zeroes_from, unmaps_from: None });
        let unmaps = limits.map(|unmaps_from| ByInner { zeroes_from: None, unmaps_from });
        for (policy, sizes) in POLICIES.into_iter().flat_map(|policy| {
            zeroes.into_iter().chain(unmaps).map(move |sizes| (policy, sizes))
        }) {
            let points = check_by(sizes, Recording::default(), policy, &steps).fallible();
            for point in 0..points.min(4) {
                check_by(sizes, Recording::failing_at(point), policy, &steps);
            }
        }
        true
    }

    fn any_call_may_fail(steps: Vec<Step>) -> bool {
        let steps = &steps[..steps.len().min(8)];
        for policy in POLICIES {
            let points = check(Recording::default(), policy, steps).fallible();
            for point in 0..points {
                check(Recording::failing_at(point), policy, steps);
            }
        }
        true
    }
}

#[test]
fn every_size() {
    let pages =
        (1..=4).flat_map(|pages| [4 * KIB * pages - 1, 4 * KIB * pages, 4 * KIB * pages + 1]);
    for size in (1..600).chain(pages) {
        let layout = layout(size, 1 << (size % 7));
        let steps = [
            Step::Alloc { layout },
            Step::Realloc { which: 0, size: size + 1 + size / 2 },
            Step::Realloc { which: 0, size },
            Step::Realloc { which: 0, size: size.div_ceil(3) },
            Step::Zeroed { layout },
            Step::Dealloc { which: 1 },
        ];
        for policy in POLICIES {
            check(Recording::default(), policy, &steps);
        }
    }
}

#[test]
fn every_alignment() {
    for (align, size) in (0..=21).flat_map(|bits| [(1 << bits, 1), (1 << bits, 4 * KIB + 1)]) {
        let steps = [
            Step::Alloc { layout: layout(size, align) },
            Step::Zeroed { layout: layout(size, align) },
            Step::Realloc { which: 0, size: 3 * size },
        ];
        for policy in POLICIES {
            check(Recording::default(), policy, &steps);
        }
    }
}

/// Longer than most last-level caches: alloc-side clears go past them too.
#[test]
fn a_huge_block() {
    let alloc = ClearingAlloc::new(Recording::default()).with_policy(InitPolicy::BOTH);
    let (small, huge) = (layout(33 * MIB + 5, 2 * MIB), layout(34 * MIB + 1, 2 * MIB));
    // SAFETY: blocks are used with the size that they have, and given back once.
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
fn blocks_of_no_bytes_are_passed_on() {
    /// Has no memory at all: whoever writes is killed.
    struct Nothing;
    // SAFETY: no bytes need no memory.
    unsafe impl GlobalAlloc for Nothing {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            std::ptr::without_provenance_mut(layout.align())
        }
        unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
    }
    let alloc = ClearingAlloc::with_stats(Nothing, Counters::new()).with_policy(InitPolicy::BOTH);
    let none = layout(0, 64);
    // SAFETY: of no bytes none is touched.
    unsafe {
        let ptr = alloc.realloc(alloc.alloc(none), none, 0);
        assert_eq!(ptr.addr(), 64);
        alloc.dealloc(ptr, none);
    }
    let counts = alloc.stats().read();
    assert_eq!((counts.on_alloc.cleared_bytes, counts.on_free.cleared_bytes), (0, 0));
}

/// The one test of this binary that changes the policy of its process.
#[test]
fn the_process_decides_where_nobody_else_does() {
    let steps = [
        Step::Alloc { layout: layout(1000, 8) },
        Step::Realloc { which: 0, size: 5000 },
        Step::Realloc { which: 0, size: 50 },
    ];
    for policy in POLICIES {
        set_policy(policy);
        let alloc = ClearingAlloc::new(Recording::default());
        assert_eq!(
            serve(User::new(&alloc, policy, 0), alloc.inner(), &steps).0,
            [""; 0],
            "{policy:?}"
        );
    }
    set_policy(InitPolicy::OFF);
}

#[test]
fn statistics_that_are_off_take_no_room() {
    let with = size_of::<ClearingAlloc<std::alloc::System, usize>>();
    let without = size_of::<ClearingAlloc<std::alloc::System, NoStats>>();
    assert_eq!(with - without, size_of::<usize>());
}
