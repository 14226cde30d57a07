//! Any frames of any memory: permanent mappings that do not follow one another, and windows of any
//! length, some of which cannot be mapped. Exactly the frames that were named are cleared, up to the
//! one that the error names.
#![no_main]

use arbitrary::Arbitrary;
use clearpage::highmem::{
    ClearError, Frame, FrameRange, clear_highpage, clear_highpages, clear_scattered_highpages,
};
use clearpage::{Intent, Primitive, primitives};
use libfuzzer_sys::fuzz_target;

#[path = "highmem/mixed.rs"]
mod mixed;

use mixed::{Fault, Mixed};

#[derive(Arbitrary, Debug)]
struct Input {
    /// Frames of each run, and whether it has a permanent mapping.
    runs: Vec<(u8, bool)>,
    /// Frames that a mapping holds at most, one mapping after the other.
    windows: Vec<u8>,
    /// By bits, mappings that fail.
    fails: u64,
    requests: Vec<Request>,
}

#[derive(Arbitrary, Debug)]
struct Request {
    what: What,
    intent: u8,
    primitive: Option<u8>,
}

#[derive(Arbitrary, Debug)]
enum What {
    One(u8),
    Range(u8, u8),
    /// FrameRange, and how many follow each.
    List(Vec<(u8, u8)>),
}

fuzz_target!(|input: Input| {
    let mem = Mixed::new(&input.runs, &input.windows, input.fails);
    for request in input.requests.iter().take(16) {
        serve(&mem, request);
    }
});

fn serve(mem: &Mixed, Request { what, intent, primitive }: &Request) {
    let available: Vec<&Primitive> =
        primitives().iter().filter(|p| p.available().is_ok() && !p.sets_tags()).collect();
    match primitive.map(|n| available[usize::from(n) % available.len()].name()) {
        Some(name) => clearpage::force(name).expect("it is available"),
        None => clearpage::reset_plan().expect("nothing is set in the environment"),
    }
    let intent = Intent::ALL[usize::from(*intent) % Intent::ALL.len()];
    let frame = |number: u64| Frame::new(number).expect("small");
    // Some lie behind the last one.
    let number = |raw: &u8| u64::from(*raw) % (mem.npages() + 3);
    let (list, result): (Vec<u64>, _) = match what {
        // SAFETY: the frames are this process's, which has one thread.
        What::One(at) => (vec![number(at)], unsafe { clear_highpage(mem, frame(number(at))) }),
        What::Range(at, npages) => {
            let frames = FrameRange::new(frame(number(at)), number(npages)).expect("small");
            let list = frames.iter().map(Frame::get).collect();
            // SAFETY: as above.
            (list, unsafe { clear_highpages(mem, frames, intent) })
        }
        What::List(runs) => {
            let list: Vec<u64> = runs
                .iter()
                .flat_map(|(at, more)| number(at)..=number(at) + u64::from(more % 8))
                .take(300)
                .collect();
            let frames: Vec<Frame> = list.iter().map(|&number| frame(number)).collect();
            // SAFETY: as above.
            (list, unsafe { clear_scattered_highpages(mem, &frames, intent) })
        }
    };
    check(mem, &list, result);
}

fn check(mem: &Mixed, list: &[u64], result: Result<(), ClearError<Fault>>) {
    let fault = mem.take_fault();
    let cleared = match result {
        Ok(()) => {
            assert_eq!(fault, None, "nobody was told");
            list
        }
        Err(ClearError { cleared, frame, source }) => {
            assert_eq!(Some((source, frame.get())), fault, "not what happened");
            assert_eq!(list.get(cleared as usize), Some(&frame.get()), "not the first that is not");
            &list[..cleared as usize]
        }
    };
    mem.check_and_refill(cleared);
}
