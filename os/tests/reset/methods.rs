//! Each method zeroes ranges of any size, any part of which was touched.

use clearpage::PAGE_SIZE;
use clearpage_os::reset::{Method, ResetError, Reuse};
use clearpage_testkit::linux::{HUGE, unit};
use quickcheck::{Arbitrary, Gen, quickcheck};
use rustix::mm::Advice;

use crate::METHODS;
use crate::mapped::{Counts, FACES, Face, Memory};
use crate::support::{drops, reports};

/// Panics if a method failed that this system supports.
fn check(result: Result<Counts, ResetError>, method: Method, what: &dyn std::fmt::Debug) {
    match (method, result) {
        (_, Ok(_)) => {}
        (Method::ClearTouched, Err(ResetError::Unavailable { .. })) if !reports() => {}
        (Method::Discard, Err(ResetError::Unavailable { .. })) if !drops() => {}
        (_, Err(error)) => panic!("{what:?}: {error}"),
    }
}

#[test]
fn every_size_with_any_share_touched_becomes_zero() {
    let sizes = [1, 2, 15, 16, 17, 40, 300, 600, HUGE / PAGE_SIZE + 7];
    // One page in `step` is touched; none if it is 0.
    for (npages, step) in sizes.into_iter().flat_map(|n| [0, 1, 2, 3, 20].map(|step| (n, step))) {
        for method in METHODS {
            for face in FACES {
                let mut memory = Memory::new(npages + 4);
                for redzone in [0, 1, npages + 2, npages + 3] {
                    memory.touch(redzone);
                }
                for at in (0..npages).filter(|at| step != 0 && at % step == 0) {
                    memory.touch(2 + at);
                }
                let what = (npages, step, method, face);
                check(memory.reset((2, npages), face, method), method, &what);
                memory.check(&what);
            }
        }
    }
}

/// Lengths of runs of pages, of all magnitudes; every other run is touched.
#[derive(Clone, Debug)]
struct Runs(Vec<usize>);

impl Arbitrary for Runs {
    fn arbitrary(g: &mut Gen) -> Self {
        let runs = usize::arbitrary(g) % 40;
        Self((0..runs).map(|_| 1 + usize::arbitrary(g) % (1 << (u32::arbitrary(g) % 6))).collect())
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        Box::new(self.0.shrink().map(Self))
    }
}

quickcheck! {
    /// The second reset finds what the first one left.
    fn any_pattern_of_touched_pages_becomes_zero(
        patterns: (Runs, Runs), before: u8, after: u8, method: u8
    ) -> bool {
        let (before, after) = (usize::from(before % 20), usize::from(after % 20));
        let npages = before + 300 + after;
        let mut memory = Memory::new(npages);
        for (round, Runs(runs)) in [patterns.0, patterns.1].into_iter().enumerate() {
            let mut at = 0;
            for (i, run) in runs.iter().enumerate() {
                (at..npages.min(at + run)).filter(|_| i % 2 == 0).for_each(|at| memory.touch(at));
                at += run;
            }
            let method = METHODS[(usize::from(method) + round) % METHODS.len()];
            let what = (before, after, method);
            check(memory.reset((before, 300), Face::Slice, method), method, &what);
            memory.check(&what);
        }
        true
    }
}

/// The range is long enough for a check on any kernel.
#[test]
fn untouched_pages_stay_untouched() {
    if !reports() {
        return;
    }
    let (step, steps) = (unit() / PAGE_SIZE, (5 << 20) / unit());
    for method in METHODS[..2].iter().copied().chain([Method::ClearTouched]) {
        for face in FACES {
            let mut memory = Memory::new(steps * step);
            // The first touch of a huge page makes all of it present.
            memory.advise(Advice::LinuxNoHugepage);
            (0..steps * step).filter(|at| at / step % 7 == 0).for_each(|at| memory.touch(at));
            let present = memory.present().unwrap();
            let (cleared, discarded, untouched) = memory.reset_all(face, method).unwrap();
            let touched = steps.div_ceil(7) * step;
            assert_eq!((cleared, untouched), (touched, steps * step - touched), "{discarded}");
            assert_eq!(memory.present(), Some(present), "{method:?} {face:?}");
            memory.check(&(method, face));
        }
    }
}

#[test]
fn discarded_pages_are_no_longer_present() {
    if !reports() || !drops() {
        return;
    }
    let npages = 64 * unit() / PAGE_SIZE;
    for face in FACES {
        let mut memory = Memory::new(npages);
        memory.touch_all();
        assert_eq!(memory.reset_all(face, Method::Discard), Ok((0, npages, 0)), "{face:?}");
        assert_eq!(memory.present(), Some(0), "{face:?}");
        memory.check(&face);
    }
}

#[test]
fn clear_faults_in_every_page() {
    let mut memory = Memory::new(64);
    for face in FACES {
        assert_eq!(memory.reset_all(face, Method::Clear), Ok((64, 0, 0)));
    }
    memory.check(&"clear");
    if reports() {
        assert_eq!(memory.present(), Some(64));
    }
}

/// `Reuse` decides only about huge pages.
#[test]
fn auto_does_not_drop_small_pages() {
    let npages = (5 << 20) / PAGE_SIZE;
    for reuse in [Reuse::Likely, Reuse::Unlikely] {
        let mut memory = Memory::new(npages);
        memory.advise(Advice::LinuxNoHugepage);
        memory.touch_all();
        assert_eq!(memory.reset_all(Face::Slice, Method::Auto(reuse)), Ok((npages, 0, 0)));
        memory.check(&reuse);
    }
}
