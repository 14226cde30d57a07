//! Every way, of every size, on memory of which any part was touched.

use clearpage::PAGE_SIZE;
use clearpage_os::reset::{Method, ResetError, Reuse, Summary};
use quickcheck::{Arbitrary, Gen, quickcheck};

use crate::known::{PRESENT, count, drops, tells};
use crate::mapped::{FACES, Face, HUGE, Memory, unit};
use crate::{NEXT, every_way};

/// Panics if the way was refused though this system has it.
fn expect(done: Result<Summary, ResetError>, how: Method, what: &dyn std::fmt::Debug) {
    match (how, done) {
        (_, Ok(_)) => {}
        (Method::ClearTouched, Err(ResetError::Unavailable { .. })) if !tells() => {}
        (Method::Discard, Err(ResetError::Unavailable { .. })) if !drops() => {}
        (_, Err(error)) => panic!("{what:?}: {error}"),
    }
}

#[test]
fn every_size_and_share() {
    let sizes = [1, 2, 15, 16, 17, 40, 300, 600, HUGE / PAGE_SIZE + 7];
    // One page of so many is touched; 0 is none.
    for (npages, share) in sizes.into_iter().flat_map(|n| [0, 1, 2, 3, 20].map(|s| (n, s))) {
        for (how, next) in every_way() {
            for face in FACES {
                let mut memory = Memory::new(npages + 4);
                for redzone in [0, 1, npages + 2, npages + 3] {
                    memory.touch(redzone);
                }
                for at in (0..npages).filter(|at| share != 0 && at % share == 0) {
                    memory.touch(2 + at);
                }
                let what = (npages, share, how, next, face);
                expect(memory.reset((2, npages), face, how, next), how, &what);
                memory.check(&what);
            }
        }
    }
}

/// Runs, lengths of which have all magnitudes, touched or not in turn.
#[derive(Clone, Debug)]
struct Touched(Vec<usize>);

impl Arbitrary for Touched {
    fn arbitrary(g: &mut Gen) -> Self {
        let runs = usize::arbitrary(g) % 40;
        Self((0..runs).map(|_| 1 + usize::arbitrary(g) % (1 << (u32::arbitrary(g) % 6))).collect())
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        Box::new(self.0.shrink().map(Self))
    }
}

quickcheck! {
    /// Two rounds, so that the second finds what the first left.
    fn any_pattern(patterns: (Touched, Touched), before: u8, behind: u8, way: u8) -> bool {
        let ways: Vec<_> = every_way().collect();
        let (before, behind) = (usize::from(before % 20), usize::from(behind % 20));
        let npages = before + 300 + behind;
        let mut memory = Memory::new(npages);
        for (i, pattern) in [&patterns.0.0, &patterns.1.0].into_iter().enumerate() {
            let mut at = 0;
            for (i, run) in pattern.iter().enumerate() {
                (at..npages.min(at + run)).filter(|_| i % 2 == 0).for_each(|at| memory.touch(at));
                at += run;
            }
            let (how, next) = ways[(usize::from(way) + i) % ways.len()];
            let what = (before, behind, how, next);
            expect(memory.reset((before, 300), Face::Slice, how, next), how, &what);
            memory.check(&what);
        }
        true
    }
}

/// What was not touched stays away, by the ways that can tell. The range is so long that it is
/// worth the reading of all that is mapped.
#[test]
fn untouched_pages_stay_untouched() {
    if !tells() {
        return;
    }
    let (step, steps) = (unit() / PAGE_SIZE, (5 << 20) / unit());
    let ways =
        [Method::Auto, Method::ClearTouched].into_iter().flat_map(|how| NEXT.map(|n| (how, n)));
    for (how, next) in ways {
        for face in FACES {
            let mut memory = Memory::new(steps * step);
            (0..steps * step).filter(|at| at / step % 7 == 0).for_each(|at| memory.touch(at));
            let there = count(&memory, PRESENT).unwrap();
            let done = memory.reset((0, steps * step), face, how, next).unwrap();
            let touched = steps.div_ceil(7) * step;
            assert_eq!(
                done,
                Summary { cleared: touched, untouched: steps * step - touched, ..done }
            );
            assert_eq!(count(&memory, PRESENT), Some(there), "{how:?} {next:?} {face:?}");
            memory.check(&(how, next, face));
        }
    }
}

#[test]
fn what_is_given_back_is_gone() {
    if !tells() || !drops() {
        return;
    }
    let npages = 64 * unit() / PAGE_SIZE;
    for face in FACES {
        let mut memory = Memory::new(npages);
        memory.touch_all();
        let done = memory.reset((0, npages), face, Method::Discard).unwrap();
        assert_eq!(done, Summary { discarded: npages, ..Summary::default() }, "{face:?}");
        assert_eq!(count(&memory, PRESENT), Some(0), "{face:?}");
        memory.check(&face);
    }
}

#[test]
fn clearing_touches_all() {
    let mut memory = Memory::new(64);
    for face in FACES {
        let done = memory.reset((0, 64), face, Method::Clear);
        assert_eq!(done, Ok(Summary { cleared: 64, ..Summary::default() }));
    }
    memory.check(&"clear");
    if tells() {
        assert_eq!(count(&memory, PRESENT), Some(64));
    }
}
