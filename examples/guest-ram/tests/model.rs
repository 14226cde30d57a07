//! Compares any sequence of clears, writes and migration rounds with a model. Negative controls show
//! that the comparison finds wrong marks, pages and errors.

mod common;

use clearpage::highmem::{ClearError, Frame};
use clearpage::{Intent, PAGE_SIZE, Page, raw};
use clearpage_guest_ram::GuestError;
use common::{Guest, Memory, Request, clear, frame, pages, range};
use quickcheck::{Arbitrary, Gen, QuickCheck};
use std::ptr::NonNull;
use vm_memory::bitmap::Bitmap;
use vm_memory::{GuestAddress, GuestMemoryBackend};

/// The frames of requests. Some are past the last region.
const FRAMES: usize = 48;

#[derive(Clone, Debug)]
enum Step {
    Clear(Request, Intent),
    Write(Frame),
    Collect,
}

fn below(g: &mut Gen, limit: usize) -> usize {
    usize::arbitrary(g) % limit
}

impl Arbitrary for Step {
    fn arbitrary(g: &mut Gen) -> Self {
        let intent = *g.choose(&Intent::ALL).unwrap();
        match below(g, 8) {
            0 => Self::Collect,
            1 => Self::Write(frame(below(g, FRAMES))),
            2 | 3 => {
                let list = (0..below(g, 8)).map(|_| frame(below(g, FRAMES))).collect();
                Self::Clear(Request::List(list), intent)
            }
            _ => {
                let start = below(g, FRAMES);
                Self::Clear(range(start, below(g, FRAMES + 1 - start)), intent)
            }
        }
    }
}

/// Regions, as bytes of the gap before each and bytes of the region; bytes per dirty bit; and steps.
#[derive(Clone, Debug)]
struct Case {
    regions: Vec<(usize, usize)>,
    granule: usize,
    steps: Vec<Step>,
}

impl Arbitrary for Case {
    fn arbitrary(g: &mut Gen) -> Self {
        // Most regions are adjacent and whole pages. A few extra bytes shift all regions after them.
        let bytes = |g: &mut Gen| *g.choose(&[0, 0, 0, 0, 0, 0, 1, 512, PAGE_SIZE - 1]).unwrap();
        let region = |g: &mut Gen| {
            let gap = *g.choose(&[0, 0, 0, 1, 2]).unwrap() * PAGE_SIZE + bytes(g);
            (gap, (1 + below(g, 8)) * PAGE_SIZE + bytes(g))
        };
        Self {
            regions: (0..1 + below(g, 7)).map(|_| region(g)).collect(),
            granule: *g.choose(&[1, 4, 8, 24, 32, 128]).unwrap() * PAGE_SIZE / 8,
            steps: Vec::arbitrary(g),
        }
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        let all = self.clone();
        Box::new(self.steps.shrink().map(move |steps| Self { steps, ..all.clone() }))
    }
}

fn agrees_with_the_model(case: Case) -> Result<(), String> {
    let (mut end, mut ranges) = (0, Vec::new());
    for (gap, len) in case.regions {
        ranges.push(((end + gap) as u64, len));
        end += gap + len;
    }
    let mut guest = Guest::new(&ranges, case.granule);
    for step in case.steps {
        match step {
            Step::Clear(request, intent) => guest.clear(clear, &request, intent)?,
            Step::Write(frame) => guest.write(frame),
            Step::Collect => guest.collect(),
        }
    }
    guest.check()
}

#[test]
fn every_sequence_agrees_with_the_model() {
    QuickCheck::new()
        .tests(500)
        .quickcheck(agrees_with_the_model as fn(Case) -> Result<(), String>);
}

/// Clears a range through vm-memory's pointer, without this crate, and marks `marked(len)` of its
/// bytes.
fn by_pointer(
    memory: &Memory,
    request: &Request,
    marked: fn(usize) -> usize,
) -> Result<(), ClearError<GuestError>> {
    let Request::Range(frames) = request else { unreachable!("the tests request ranges") };
    let len = frames.npages() as usize * PAGE_SIZE;
    let slice = memory.get_slice(GuestAddress(frames.start().address()), len).unwrap();
    let guard = slice.ptr_guard_mut();
    let start = NonNull::new(guard.as_ptr().cast::<Page>()).unwrap();
    // SAFETY: the slice has this number of pages.
    unsafe { raw::clear_pages(start, len / PAGE_SIZE) };
    slice.bitmap().mark_dirty(0, marked(len));
    Ok(())
}

#[test]
fn wrong_marks_are_found() {
    let ranges = pages(&[(0, 8)]);
    let result = |clear| Guest::new(&ranges, PAGE_SIZE).clear(clear, &range(2, 3), Intent::Auto);
    assert_eq!(result(|memory, request, _| by_pointer(memory, request, |len| len)), Ok(()));
    let reason = |clear| result(clear).unwrap_err();
    let none = reason(|memory, request, _| by_pointer(memory, request, |_| 0));
    assert!(none.ends_with("dirty bit 2 is false, not true"), "{none}");
    let less = reason(|memory, request, _| by_pointer(memory, request, |len| len - PAGE_SIZE));
    assert!(less.ends_with("dirty bit 4 is false, not true"), "{less}");
    let more = reason(|memory, request, _| by_pointer(memory, request, |len| len + 1));
    assert!(more.ends_with("dirty bit 5 is true, not false"), "{more}");
}

#[test]
fn wrong_pages_are_found() {
    let ranges = pages(&[(0, 4), (6, 4)]);
    let reason = |clear| {
        let mut guest = Guest::new(&ranges, PAGE_SIZE);
        guest.clear(clear, &range(1, 2), Intent::Auto).unwrap_err()
    };
    let none = reason(|memory, _, _| {
        memory
            .get_slice(GuestAddress(0), 4 * PAGE_SIZE)
            .unwrap()
            .bitmap()
            .mark_dirty(PAGE_SIZE, 2 * PAGE_SIZE);
        Ok(())
    });
    assert!(none.contains("page 2: byte 0 is "), "{none}");
    let redzone = reason(|memory, request, intent| {
        clear(memory, request, intent)?;
        let before = memory.get_host_address(GuestAddress(0)).unwrap().wrapping_sub(1);
        // SAFETY: the page before is a page of the host in no region.
        unsafe { before.write(0) };
        Ok(())
    });
    let last = format!("page 0: byte {} is 0x0", PAGE_SIZE - 1);
    assert!(redzone.contains(&last), "{redzone}");
}

#[test]
fn a_wrong_error_is_found() {
    let ranges = pages(&[(0, 4), (6, 4)]);
    let mut guest = Guest::new(&ranges, PAGE_SIZE);
    let too_far = guest.clear(
        |memory, _, intent| clear(memory, &range(2, 2), intent),
        &range(2, 3),
        Intent::Auto,
    );
    assert!(
        too_far.unwrap_err().contains("Ok(()), not Err((2, Frame(4), "),
        "the hole goes unnoticed"
    );
    assert_eq!(guest.clear(clear, &range(2, 3), Intent::Auto), Ok(()));
}
