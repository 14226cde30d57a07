//! Clears any frames of any memory, and compares the result with a model: frames, mappings, error.
#![no_main]

use arbitrary::Arbitrary;
use clearpage::highmem::{
    Frame, FrameRange, clear_highpage, clear_highpages, clear_scattered_highpages,
};
use clearpage::{Intent, Primitive, primitives};
use clearpage_testkit::faulty::{Expected, FaultyMap, Run};
use libfuzzer_sys::fuzz_target;

/// The longest memory, in frames.
const MOST: u64 = 64;

#[derive(Arbitrary, Debug)]
struct Input {
    /// The frames of each run, and whether they have an address.
    runs: Vec<(u8, bool)>,
    /// The frames per mapping, for one mapping after the other.
    windows: Vec<u8>,
    /// The frames that `page_address` returns at most.
    prefix: Option<u8>,
    /// Whether a mapping may include frames that have an address.
    covers: bool,
    /// The mappings that fail, by bits.
    fails: u64,
    requests: Vec<Request>,
}

#[derive(Arbitrary, Debug)]
struct Request {
    frames: Frames,
    intent: u8,
    primitive: Option<u8>,
}

#[derive(Arbitrary, Debug)]
enum Frames {
    One(u8),
    Range(u8, u8),
    /// Frames, and the number of frames after each.
    List(Vec<(u8, u8)>),
}

fuzz_target!(|input: Input| {
    let mut left = MOST;
    let runs = input.runs.iter().map_while(|&(npages, address)| -> Option<Run> {
        let npages = (1 + u64::from(npages) % 16).min(left);
        left -= npages;
        (npages > 0).then_some((npages, address))
    });
    let mut mem = FaultyMap::new(&runs.collect::<Vec<_>>(), 1);
    if !input.windows.is_empty() {
        mem.windows = input.windows.iter().map(|window| 1 + u64::from(window % 24)).collect();
    }
    mem.prefix = input.prefix.map_or(u64::MAX, |prefix| 1 + u64::from(prefix % 16));
    mem.covers = input.covers;
    mem.fail(input.fails);
    for request in input.requests.iter().take(16) {
        serve(&mem, request);
    }
});

fn serve(mem: &FaultyMap, Request { frames, intent, primitive }: &Request) {
    let available: Vec<&Primitive> =
        primitives().iter().filter(|p| p.available().is_ok() && !p.sets_tags()).collect();
    match primitive.map(|n| available[usize::from(n) % available.len()].name()) {
        Some(name) => clearpage::force(name).expect("it is available"),
        None => clearpage::reset_plan().expect("the environment sets nothing"),
    }
    let intent = Intent::ALL[usize::from(*intent) % Intent::ALL.len()];
    let frame = |number: u64| Frame::new(number).expect("small");
    // Some numbers are past the last frame.
    let number = |raw: &u8| u64::from(*raw) % (mem.npages() + 3);
    match frames {
        Frames::One(at) => {
            let expected = Expected::of(mem, &[number(at)], true);
            // SAFETY: only this target uses the frames.
            expected.check(mem, unsafe { clear_highpage(mem, frame(number(at))) });
        }
        Frames::Range(at, npages) => {
            let frames = FrameRange::new(frame(number(at)), number(npages)).expect("small");
            let list: Vec<u64> = frames.iter().map(Frame::get).collect();
            let expected = Expected::of(mem, &list, true);
            // SAFETY: as above.
            expected.check(mem, unsafe { clear_highpages(mem, frames, intent) });
        }
        Frames::List(runs) => {
            let list: Vec<u64> = runs
                .iter()
                .flat_map(|(at, more)| number(at)..=number(at) + u64::from(more % 8))
                .take(300)
                .collect();
            let frames: Vec<Frame> = list.iter().map(|&number| frame(number)).collect();
            let expected = Expected::of(mem, &list, false);
            // SAFETY: as above.
            expected.check(mem, unsafe { clear_scattered_highpages(mem, &frames, intent) });
        }
    }
}
