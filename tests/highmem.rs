//! Clears frames and compares the result with a model. Some frames have an address; the others are
//! mapped by a mapper that counts its mappings and fails on request.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

use clearpage::highmem::tag::{self, Tag, TagState};
use clearpage::highmem::{
    ClearError, Frame, FrameRange, Highmem, LinearMap, clear_highpage, clear_highpages,
    clear_scattered_highpages, tag_clear_highpages,
};
use clearpage::{Intent, primitives};
use clearpage_testkit::built_for_one;
use clearpage_testkit::faulty::{Expected, Fault, FaultyMap, Run};
use quickcheck::{Arbitrary, Gen, quickcheck};

/// Frames of the memory.
const NPAGES: u64 = 48;

fn frames(start: u64, npages: u64) -> FrameRange {
    FrameRange::new(Frame::new(start).unwrap(), npages).unwrap()
}

/// Memory in runs, usually with several kinds of boundaries, and the behaviour of its mapper.
#[derive(Clone, Debug)]
struct Memory {
    runs: Vec<Run>,
    windows: Vec<u64>,
    prefix: u64,
    covers: bool,
    fails: u64,
    intent: Intent,
}

impl Memory {
    fn mem(&self) -> FaultyMap {
        let mut mem = FaultyMap::new(&self.runs, 1);
        (mem.windows, mem.prefix, mem.covers) = (self.windows.clone(), self.prefix, self.covers);
        mem.fail(self.fails);
        mem
    }
}

impl Arbitrary for Memory {
    fn arbitrary(g: &mut Gen) -> Self {
        // Long runs are as likely as short ones, and the kinds need not alternate.
        let (mut runs, mut left) = (vec![], NPAGES);
        while left > 0 {
            let npages = *g.choose(&[1, 1, 2, 5, 20, NPAGES]).unwrap();
            runs.push((npages.min(left), bool::arbitrary(g)));
            left -= npages.min(left);
        }
        let window = |g: &mut Gen| *g.choose(&[1, 2, 3, 7, 16, 64]).unwrap();
        Self {
            runs,
            windows: (0..=usize::arbitrary(g) % 3).map(|_| window(g)).collect(),
            prefix: *g.choose(&[1, 2, 5, u64::MAX, u64::MAX]).unwrap(),
            covers: bool::arbitrary(g),
            fails: if bool::arbitrary(g) { 0 } else { 1 << (u64::arbitrary(g) % 12) },
            intent: *g.choose(&Intent::ALL).unwrap(),
        }
    }
}

quickcheck! {
    /// The range may exceed the memory.
    fn a_range_is_cleared_as_far_as_it_can_be_mapped(memory: Memory, start: u8, npages: u8) -> bool {
        let mem = memory.mem();
        let (start, npages) = (u64::from(start) % NPAGES, u64::from(npages) % NPAGES);
        let list: Vec<u64> = (start..start + npages).collect();
        let expected = Expected::of(&mem, &list, true);
        // SAFETY: only this test uses the frames.
        let result = unsafe { clear_highpages(&mem, frames(start, npages), memory.intent) };
        expected.check(&mem, result);
        true
    }

    /// The list may contain frames twice, and frames that do not exist.
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
        let expected = Expected::of(&mem, &list, false);
        // SAFETY: only this test uses the frames.
        let result = unsafe { clear_scattered_highpages(&mem, &named, memory.intent) };
        expected.check(&mem, result);
        true
    }

    fn the_rest_can_be_cleared_after_an_error(memory: Memory, start: u8, npages: u8) -> bool {
        let mem = memory.mem();
        let start = u64::from(start) % NPAGES;
        let all = frames(start, u64::from(npages) % (NPAGES - start));
        // SAFETY: only this test uses the frames.
        let first = unsafe { clear_highpages(&mem, all, memory.intent) };
        let left = all.split_at(first.err().map_or(u64::MAX, |error| error.cleared)).1;
        mem.fail(0);
        // SAFETY: as above.
        unsafe { clear_highpages(&mem, left, memory.intent) }.unwrap();
        mem.check(|f| all.iter().any(|a| a.get() == f));
        true
    }
}

/// All kinds of boundaries: two runs with an address, with and without, without and with, two
/// windows, and the end of the memory.
const BOUNDARIES: [Run; 6] = [(3, true), (4, true), (9, false), (2, true), (5, false), (2, false)];

/// Clears every range across `BOUNDARIES` and one frame past them, in any way of mapping them.
#[test]
fn every_range_of_mixed_memory_is_cleared_as_the_model() {
    let npages = BOUNDARIES.iter().map(|run| run.0).sum::<u64>();
    for (prefix, windows, covers) in [1, 2, u64::MAX]
        .into_iter()
        .flat_map(|prefix| [vec![1], vec![4], vec![2, 64]].map(|windows| (prefix, windows)))
        .flat_map(|(prefix, windows)| [false, true].map(|c| (prefix, windows.clone(), c)))
    {
        for start in 0..=npages {
            for end in start..=npages + 1 {
                let mut mem = FaultyMap::new(&BOUNDARIES, 1);
                (mem.prefix, mem.windows, mem.covers) = (prefix, windows.clone(), covers);
                let list: Vec<u64> = (start..end).collect();
                let expected = Expected::of(&mem, &list, true);
                // SAFETY: only this test uses the frames.
                let result =
                    unsafe { clear_highpages(&mem, frames(start, end - start), Intent::Auto) };
                expected.check(&mem, result);
            }
        }
    }
}

/// A mapping that includes frames with an address replaces their address.
#[test]
fn a_window_may_cover_frames_that_have_an_address() {
    let mut mem = FaultyMap::new(&[(2, false), (3, true), (4, false)], 64);
    mem.covers = true;
    // SAFETY: only this test uses the frames.
    unsafe { clear_highpages(&mem, frames(1, 7), Intent::Cold) }.unwrap();
    assert_eq!(mem.maps(), 1);
    mem.check(|frame| (1..8).contains(&frame));
}

#[test]
fn every_mapping_may_fail() {
    let runs = [(10, false), (10, true), (10, false), (10, true), (8, false)];
    let list: Vec<u64> = (0..NPAGES).collect();
    for window in [1, 3, 100] {
        let mut failures = 0;
        for n in 0.. {
            let mem = FaultyMap::new(&runs, window);
            mem.fail_from(n);
            let expected = Expected::of(&mem, &list, true);
            // SAFETY: only this test uses the frames.
            let result = unsafe { clear_highpages(&mem, frames(0, NPAGES), Intent::Cold) };
            let done = result.is_ok();
            expected.check(&mem, result);
            if done {
                break;
            }
            failures += 1;
        }
        assert_eq!(failures, [10, 10, 8_u64].iter().map(|run| run.div_ceil(window)).sum::<u64>());
    }
}

#[test]
fn every_primitive_clears_through_windows() {
    for row in primitives().iter().filter(|_| !built_for_one()) {
        if clearpage::force(row.name()).is_err() {
            continue;
        }
        let mem = FaultyMap::new(&[(20, false), (28, true)], 7);
        // SAFETY: only this test uses the frames.
        unsafe {
            clear_highpages(&mem, frames(1, 40), Intent::Auto).unwrap();
            clear_highpage(&mem, Frame::new(45).unwrap()).unwrap();
        }
        mem.check(|f| (1..41).contains(&f) || f == 45);
    }
    clearpage::reset_plan().unwrap();
}

/// Returns memory without addresses.
fn unmapped(window: u64) -> FaultyMap {
    FaultyMap::new(&[(NPAGES, false)], window)
}

#[test]
fn empty_requests_map_nothing() {
    let mem = unmapped(1);
    mem.fail_from(0);
    // SAFETY: no frame is accessed.
    unsafe {
        clear_highpages(&mem, frames(3, 0), Intent::Auto).unwrap();
        clear_scattered_highpages(&mem, &[], Intent::Auto).unwrap();
    }
    assert_eq!(mem.maps(), 0);
    mem.check(|_| false);
}

#[test]
fn mappings_nest_inside_one_of_the_caller() {
    let mem = unmapped(4);
    let outer = mem.kmap_local(frames(2, 1)).unwrap();
    // SAFETY: only this test uses the frames.
    unsafe { clear_highpages(&mem, frames(10, 8), Intent::Hot) }.unwrap();
    drop(outer);
    assert_eq!(mem.maps(), 3);
    mem.check(|f| (10..18).contains(&f));
}

#[test]
fn a_mapper_that_panics_leaves_no_mapping() {
    let mem = unmapped(4);
    mem.panic_at(2);
    // SAFETY: only this test uses the frames.
    let clear = || unsafe { clear_highpages(&mem, frames(0, 20), Intent::Hot) };
    catch_unwind(AssertUnwindSafe(clear)).unwrap_err();
    mem.check(|f| f < 8);
}

/// The memory has no tags. If the CPU has none either, the outcome reports them as unchanged.
#[test]
fn clearing_with_tags_clears_data_everywhere() {
    let mem = unmapped(4);
    mem.fail_from(2);
    let new = Tag::new(5).unwrap();
    // SAFETY: only this test uses the frames, and they have no tags.
    let state = unsafe { tag_clear_highpages(&mem, frames(3, 8), new) };
    assert_eq!(state, Ok(if tag::supported() { TagState::Set(new) } else { TagState::Unchanged }));
    // SAFETY: as above.
    let error = unsafe { tag_clear_highpages(&mem, frames(12, 1), new) }.unwrap_err();
    let frame = Frame::new(12).unwrap();
    assert_eq!(error, ClearError { cleared: 0, frame, source: Fault::Requested(2) });
    mem.check(|f| (3..11).contains(&f));
}

#[test]
fn an_error_reports_the_cleared_frames() {
    let mem = unmapped(4);
    mem.fail_from(1);
    // SAFETY: only this test uses the frames.
    let error = unsafe { clear_highpages(&mem, frames(8, 20), Intent::Hot) }.unwrap_err();
    let text = "cannot clear frame 0xc, 4 pages before it are cleared: mapping 1 fails";
    assert_eq!(error.to_string(), text);
}

#[test]
fn the_error_of_the_mapper_is_the_source() {
    // SAFETY: no frame has an address.
    let empty = unsafe { LinearMap::new(frames(0, 0), NonNull::dangling()) };
    // SAFETY: as above.
    let error = unsafe { clear_highpages(&empty, frames(7, 1), Intent::Cold) }.unwrap_err();
    let source = std::error::Error::source(&error).and_then(|e| e.downcast_ref());
    assert_eq!(source, Some(&error.source));
}
