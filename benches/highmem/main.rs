//! Measures the cost of the highmem layer and the gain of one call for all frames:
//! `cargo bench --bench highmem`.
//!
//! The second table repeats the Linux change "use batch page clearing in kernel_init_pages()":
//! before it, each page had a mapping and a call of the primitive; after it, each block has one. A
//! permanent mapping costs an addition; any other costs system calls.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod mapped;

use std::hint::black_box;
use std::ptr::NonNull;

use clearpage::highmem::{Frame, FrameRange, Highmem, LinearMap, clear_highpages};
use clearpage::{AvailablePrimitive, Intent, Order, PAGE_SIZE, Page, clear_pages_for};
use clearpage_benches::{Promises, Race, nanoseconds, pinned, string_stores};
use clearpage_cli::harness::memory::Arena;
use clearpage_cli::harness::table::ruled;
use clearpage_cli::harness::units::format_size;

const MIB: usize = 1 << 20;
/// Samples per figure.
const ROUNDS: usize = 21;

fn main() {
    let (machine, heading) = pinned();
    println!("{heading}, {ROUNDS} rounds");
    let mut arena = Arena::new((16 * machine.facts.l3).max(256 * MIB));
    let mut promises = Promises::default();
    cost(&mut promises, arena.pages());
    seed(arena.pages());
    #[cfg(any(target_os = "linux", target_os = "android"))]
    mapped::seed();
    promises.print();
}

/// Returns a map of frames from 0 on.
fn linear(pages: &mut [Page]) -> LinearMap {
    let frames = FrameRange::new(Frame::default(), pages.len() as u64).expect("few");
    // SAFETY: the caller uses the map only as long as it borrows the pages.
    unsafe { LinearMap::new(frames, NonNull::from(pages).cast()) }
}

/// Compares the layer over permanently mapped memory with a direct call.
fn cost(promises: &mut Promises, pages: &mut [Page]) {
    let map = linear(pages);
    for (npages, calls, least) in [(1, 100_000, 0.95), (2 * MIB / PAGE_SIZE, 256, 0.99)] {
        for (what, intent) in [("hot", Intent::Hot), ("cold", Intent::Cold)] {
            // Hot: the same block in every call. Cold: the next one.
            let blocks = if intent == Intent::Hot { 1 } else { pages.len() / npages };
            let at = |call: usize| call % blocks * npages;
            let samples = Race::default()
                .with("layer", |_| {
                    nanoseconds(|| {
                        for call in 0..calls {
                            let start = Frame::new(at(call) as u64).expect("small");
                            let frames = FrameRange::new(black_box(start), npages as u64);
                            // SAFETY: nothing else uses frames of the arena meanwhile.
                            unsafe { clear_highpages(&map, frames.expect("small"), intent) }
                                .expect("mapped");
                        }
                    })
                })
                .with("clear_pages", |pages| {
                    nanoseconds(|| {
                        for call in 0..calls {
                            clear_pages_for(&mut pages[black_box(at(call))..][..npages], intent);
                        }
                    })
                })
                .run(ROUNDS, pages);
            let size = format_size((npages * PAGE_SIZE) as u64);
            let what = format!("permanent mapping, {what} {size}: to clear_pages");
            promises.at_least(&what, samples.ratio("layer", "clear_pages"), least);
        }
    }
}

/// Clears blocks of cold memory of each order.
fn seed(pages: &mut [Page]) {
    let stosb = string_stores();
    println!("cold blocks, GB/s; in brackets, times as fast as page by page");
    let mut table = ruled();
    table.set_header(["order", "size", "page by page", stosb.name(), "the plan"]);
    let map = linear(pages);
    for order in (0..=10).filter_map(Order::new) {
        let blocks = pages.len() / order.npages();
        let walk = |mut clear: Box<dyn FnMut(FrameRange)>| {
            move |_: &mut [Page]| {
                nanoseconds(|| {
                    for block in 0..blocks {
                        let start = Frame::new((block * order.npages()) as u64).expect("small");
                        clear(black_box(FrameRange::block(start, order).expect("small")));
                    }
                })
            }
        };
        let samples = Race::default()
            .with(
                "before",
                walk(Box::new(move |f| f.iter().for_each(|page| by(stosb, map, page.into())))),
            )
            .with("after", walk(Box::new(move |frames| by(stosb, map, frames))))
            .with(
                "plan",
                walk(Box::new(move |frames| {
                    // SAFETY: nothing else uses frames of the arena meanwhile.
                    unsafe { clear_highpages(&map, frames, Intent::Cold) }.expect("mapped");
                })),
            )
            .run(ROUNDS / 3, pages);
        let speed = |name| (blocks * order.bytes()) as f64 / samples.median(name);
        let against = |name| format!("{:.0} ({:.2})", speed(name), samples.ratio(name, "before"));
        table.add_row([
            order.get().to_string(),
            format_size(order.bytes() as u64),
            format!("{:.0}", speed("before")),
            against("after"),
            against("plan"),
        ]);
    }
    println!("{table}");
}

/// Clears frames of one mapping by one call of a primitive.
fn by(primitive: AvailablePrimitive, map: LinearMap, frames: FrameRange) {
    let pages = map.page_address(frames).expect("mapped").cast::<Page>();
    // SAFETY: nothing else uses pages of the arena meanwhile.
    primitive.clear_pages(unsafe {
        std::slice::from_raw_parts_mut(pages.as_ptr(), frames.npages() as usize)
    });
}
