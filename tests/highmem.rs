//! Clearing frames, against a model: memory of which some frames have an address and the others
//! must be mapped, by a mapper that counts, and fails where it is told to.

use std::panic::{AssertUnwindSafe, catch_unwind};

use clearpage::highmem::tag::{self, Tag, TagState};
use clearpage::highmem::{
    ClearError, Frame, FrameRange, Highmem, clear_highpage, clear_highpages,
    clear_scattered_highpages, tag_clear_highpages,
};
use clearpage::{Intent, primitives};
use clearpage_testkit::built_for_one;
use clearpage_testkit::faulty::{Fault, FaultyMap};
use quickcheck::{Arbitrary, Gen, quickcheck};

/// Frames of the memory.
const NPAGES: u64 = 48;

fn frames(start: u64, npages: u64) -> FrameRange {
    FrameRange::new(Frame::new(start).unwrap(), npages).unwrap()
}

/// What a call should do: which frames it clears, how many mappings it makes, and the error.
#[derive(Default)]
struct Expected {
    cleared: Vec<u64>,
    mappings: u64,
    error: Option<ClearError<Fault>>,
}

impl Expected {
    /// Windows over the frames of `list`, which follow one another and have no address.
    fn windows(&mut self, mem: &FaultyMap, list: &[u64]) {
        for window in list.chunks(mem.window) {
            let frame = Frame::new(window[0]).unwrap();
            let fault = mem.fault(frame, self.mappings);
            if let Some(source) = fault {
                let cleared = self.cleared.len() as u64;
                self.error = Some(ClearError { cleared, frame, source });
                return;
            }
            // The memory ends inside the window: it is mapped as far as it goes.
            let there = window.iter().take_while(|&&frame| frame < NPAGES).count();
            self.cleared.extend(&window[..there]);
            self.mappings += 1;
            if there < window.len() {
                return self.windows(mem, &window[there..]);
            }
        }
    }

    /// A list of frames, of which those that follow one another without an address are a run.
    fn of(mem: &FaultyMap, list: &[u64]) -> Self {
        let mut this = Self::default();
        let mut rest = list;
        while let (Some(&first), None) = (rest.first(), this.error) {
            let mut run = 1;
            if mem.has_address(first) {
                this.cleared.push(first);
            } else {
                while rest.get(run) == Some(&(rest[run - 1] + 1)) && !mem.has_address(rest[run]) {
                    run += 1;
                }
                this.windows(mem, &rest[..run]);
            }
            rest = &rest[run..];
        }
        this
    }

    fn check(self, mem: &FaultyMap, result: Result<(), ClearError<Fault>>) {
        assert_eq!(result.err(), self.error, "{mem:?}");
        assert_eq!(mem.maps(), self.mappings, "mappings: {mem:?}");
        let zero: Vec<bool> = (0..NPAGES).map(|frame| self.cleared.contains(&frame)).collect();
        mem.check(&zero);
    }
}

#[derive(Clone, Debug)]
struct Memory {
    /// Which frames have an address.
    mapped: Vec<bool>,
    window: usize,
    /// The mapping that fails.
    fail: Option<u64>,
    intent: Intent,
}

impl Memory {
    fn mem(&self) -> FaultyMap {
        FaultyMap::new(&self.mapped, self.window, self.fail)
    }
}

impl Arbitrary for Memory {
    fn arbitrary(g: &mut Gen) -> Self {
        // Long runs of a kind are as likely as short ones.
        let mut mapped = Vec::new();
        while mapped.len() < NPAGES as usize {
            let run = *g.choose(&[1, 1, 2, 5, 20, NPAGES as usize]).unwrap();
            mapped.resize(mapped.len() + run, bool::arbitrary(g));
        }
        mapped.truncate(NPAGES as usize);
        Self {
            mapped,
            window: *g.choose(&[1, 2, 3, 7, 16, 64]).unwrap(),
            fail: bool::arbitrary(g).then(|| u64::arbitrary(g) % 12),
            intent: *g.choose(&Intent::ALL).unwrap(),
        }
    }
}

quickcheck! {
    /// Any range, also past the end of the memory.
    fn a_range_is_cleared_as_far_as_it_can_be_mapped(memory: Memory, start: u8, npages: u8) -> bool {
        let mem = memory.mem();
        let (start, npages) = (u64::from(start) % NPAGES, u64::from(npages) % NPAGES);
        let list: Vec<u64> = (start..start + npages).collect();
        // SAFETY: the frames are this test's alone.
        let result = unsafe { clear_highpages(&mem, frames(start, npages), memory.intent) };
        Expected::of(&mem, &list).check(&mem, result);
        true
    }

    /// Any list, frames twice and not there at all among them.
    fn a_list_is_cleared_as_far_as_it_can_be_mapped(
        memory: Memory, list: Vec<u8>, up: Vec<(u8, u8)>
    ) -> bool {
        let mem = memory.mem();
        let mut list: Vec<u64> = list.iter().map(|&f| u64::from(f) % (NPAGES + 2)).collect();
        for (start, npages) in up {
            let start = u64::from(start) % NPAGES;
            list.extend(start..start + u64::from(npages) % 10);
        }
        let named: Vec<Frame> = list.iter().map(|&f| Frame::new(f).unwrap()).collect();
        // SAFETY: the frames are this test's alone.
        let result = unsafe { clear_scattered_highpages(&mem, &named, memory.intent) };
        Expected::of(&mem, &list).check(&mem, result);
        true
    }

    /// What is left after an error can be tried again, and nothing is lost.
    fn what_is_left_can_be_tried_again(memory: Memory, start: u8, npages: u8) -> bool {
        let mem = memory.mem();
        let start = u64::from(start) % NPAGES;
        let all = frames(start, u64::from(npages) % (NPAGES - start));
        // SAFETY: the frames are this test's alone.
        let first = unsafe { clear_highpages(&mem, all, memory.intent) };
        let left = all.split_at(first.err().map_or(u64::MAX, |error| error.cleared)).1;
        mem.heal();
        // SAFETY: as above.
        unsafe { clear_highpages(&mem, left, memory.intent) }.unwrap();
        mem.check(&(0..NPAGES).map(|f| all.iter().any(|a| a.get() == f)).collect::<Vec<_>>());
        true
    }
}

/// Every mapping of a range that fails, one after the other.
#[test]
fn every_mapping_may_fail() {
    let mapped: Vec<bool> = (0..NPAGES).map(|frame| frame / 10 % 2 == 1).collect();
    let list: Vec<u64> = (0..NPAGES).collect();
    for window in [1, 3, 100] {
        let mut failures = 0;
        for k in 0.. {
            let mem = FaultyMap::new(&mapped, window, Some(k));
            // SAFETY: the frames are this test's alone.
            let result = unsafe { clear_highpages(&mem, frames(0, NPAGES), Intent::Cold) };
            let done = result.is_ok();
            Expected::of(&mem, &list).check(&mem, result);
            if done {
                break;
            }
            failures += 1;
        }
        let runs = [10, 10, 8_usize];
        assert_eq!(failures, runs.iter().map(|run| run.div_ceil(window)).sum::<usize>());
    }
}

#[test]
fn every_primitive_clears_through_windows() {
    let mapped: Vec<bool> = (0..NPAGES).map(|frame| frame >= 20).collect();
    for row in primitives().iter().filter(|_| !built_for_one()) {
        if clearpage::force(row.name()).is_err() {
            continue;
        }
        let mem = FaultyMap::new(&mapped, 7, None);
        // SAFETY: the frames are this test's alone.
        unsafe {
            clear_highpages(&mem, frames(1, 40), Intent::Auto).unwrap();
            clear_highpage(&mem, Frame::new(45).unwrap()).unwrap();
        }
        mem.check(&(0..NPAGES).map(|f| (1..41).contains(&f) || f == 45).collect::<Vec<_>>());
    }
    clearpage::reset_plan().unwrap();
}

#[test]
fn no_frames_are_no_request() {
    let mem = FaultyMap::new(&[false; NPAGES as usize], 1, Some(0));
    // SAFETY: no frame is touched.
    unsafe {
        clear_highpages(&mem, frames(3, 0), Intent::Auto).unwrap();
        clear_scattered_highpages(&mem, &[], Intent::Auto).unwrap();
    }
    assert_eq!(mem.maps(), 0);
    mem.check(&[false; NPAGES as usize]);
}

/// A mapping of the caller's is not disturbed by those that clearing makes.
#[test]
fn mappings_nest() {
    let mem = FaultyMap::new(&[false; NPAGES as usize], 4, None);
    let outer = mem.kmap_local(frames(2, 1)).unwrap();
    // SAFETY: the frames are this test's alone.
    unsafe { clear_highpages(&mem, frames(10, 8), Intent::Hot) }.unwrap();
    drop(outer);
    assert_eq!(mem.maps(), 3);
    mem.check(&(0..NPAGES).map(|f| (10..18).contains(&f)).collect::<Vec<_>>());
}

#[test]
fn a_mapper_that_panics_leaves_no_mapping() {
    let mem = FaultyMap::new(&[false; NPAGES as usize], 4, None);
    mem.panic_at(2);
    // SAFETY: the frames are this test's alone.
    let clear = || unsafe { clear_highpages(&mem, frames(0, 20), Intent::Hot) };
    catch_unwind(AssertUnwindSafe(clear)).unwrap_err();
    mem.check(&(0..NPAGES).map(|f| f < 8).collect::<Vec<_>>());
}

/// Memory without tags: its data is cleared all the same, and where the CPU has no tags at all none
/// are said to be set.
#[test]
fn clearing_with_tags_clears_data_everywhere() {
    let mem = FaultyMap::new(&[false; NPAGES as usize], 4, Some(2));
    let new = Tag::new(5).unwrap();
    // SAFETY: the frames are this test's alone, and have no tags.
    let state = unsafe { tag_clear_highpages(&mem, frames(3, 8), new) };
    assert_eq!(state, Ok(if tag::supported() { TagState::Set(new) } else { TagState::Unchanged }));
    // SAFETY: as above.
    let error = unsafe { tag_clear_highpages(&mem, frames(12, 1), new) }.unwrap_err();
    assert_eq!(
        error,
        ClearError { cleared: 0, frame: Frame::new(12).unwrap(), source: Fault::Told(2) }
    );
    mem.check(&(0..NPAGES).map(|f| (3..11).contains(&f)).collect::<Vec<_>>());
}

#[test]
fn an_error_says_what_is_cleared() {
    let mem = FaultyMap::new(&[false; NPAGES as usize], 4, Some(1));
    // SAFETY: the frames are this test's alone.
    let error = unsafe { clear_highpages(&mem, frames(8, 20), Intent::Hot) }.unwrap_err();
    let text = "cannot clear frame 0xc, 4 pages before it are cleared: mapping 1 fails";
    assert_eq!(error.to_string(), text);
}
