//! A page allocator under init_on_alloc and init_on_free: `cargo bench --bench page_hooks`.
//!
//! The allocator is `buddy_system_allocator`'s, over memory that is not in the cache. Its time is in
//! the figures, as it is in those of the Linux change "use batch page clearing in
//! kernel_init_pages()", whose measurement the first table repeats: 8192 blocks of 2 MiB.

use std::hint::black_box;
use std::ptr::NonNull;

use buddy_system_allocator::FrameAllocator;
use clearpage::highmem::{Frame, FrameRange, Highmem, LinearMap};
use clearpage::hooks::{AllocFlags, InitPolicy, PageHooks};
use clearpage::{Order, PAGE_SIZE, Page};
use clearpage_benches::{Promises, Race, nanoseconds, pinned, string_stores};
use clearpage_cli::harness::memory::Arena;
use clearpage_cli::harness::units::format_size;

const GIB: usize = 1 << 30;
/// Bytes of memory that the blocks are allocated from.
const ARENA: usize = 4 * GIB;
/// Blocks allocated in total, as in the Linux change.
const BLOCKS: usize = 8192;
const ROUNDS: usize = 7;

fn main() {
    let (_, heading) = pinned();
    println!("{heading}, {ROUNDS} rounds");
    let mut arena = Arena::new(ARENA);
    let mut promises = Promises::default();
    huge_blocks(&mut promises, arena.pages());
    freed_in_bulk(&mut promises, &mut arena.pages()[..GIB / PAGE_SIZE]);
    promises.print();
}

/// Returns a map of frames from 0 on, and their allocator.
fn memory(pages: &mut [Page]) -> (LinearMap, FrameAllocator) {
    let frames = FrameRange::new(Frame::default(), pages.len() as u64).expect("few");
    let mut allocator = FrameAllocator::new();
    allocator.add_frame(0, pages.len());
    // SAFETY: the caller uses the map only as long as it borrows the pages.
    (unsafe { LinearMap::new(frames, NonNull::from(pages).cast()) }, allocator)
}

/// Clears newly allocated frames by one call of the primitive.
fn by_strings(hooks: &PageHooks<LinearMap>, frames: FrameRange) {
    let pages = hooks.mem().page_address(frames).expect("mapped").cast::<Page>();
    // SAFETY: nothing else uses newly allocated frames.
    string_stores().clear_pages(unsafe {
        std::slice::from_raw_parts_mut(pages.as_ptr(), frames.npages() as usize)
    });
}

/// Allocates and initialises every block of the arena, then frees all; repeats until [`BLOCKS`] were
/// allocated.
fn cycle(allocator: &mut FrameAllocator, mut init: impl FnMut(FrameRange)) {
    let order = Order::for_pages((2 << 20) / PAGE_SIZE).expect("small");
    let mut blocks = Vec::with_capacity(BLOCKS);
    for _ in 0..BLOCKS.div_ceil(ARENA / order.bytes()) {
        while let Some(frame) = allocator.alloc(order.npages()) {
            let start = Frame::new(frame as u64).expect("small");
            init(black_box(FrameRange::block(start, order).expect("small")));
            blocks.push(frame);
        }
        blocks.drain(..).for_each(|frame| allocator.dealloc(frame, order.npages()));
    }
}

fn huge_blocks(promises: &mut Promises, pages: &mut [Page]) {
    let stosb = string_stores();
    let (map, mut allocator) = memory(pages);
    let allocator = std::cell::RefCell::new(&mut allocator);
    let hooks = PageHooks::new(map).with_policy(InitPolicy::ON_ALLOC);
    let arm = |init: fn(&PageHooks<LinearMap>, FrameRange)| {
        let (hooks, allocator) = (&hooks, &allocator);
        move |_: &mut [Page]| {
            nanoseconds(|| cycle(&mut allocator.borrow_mut(), |frames| init(hooks, frames)))
        }
    };
    let samples = Race::default()
        .with(
            "page by page",
            arm(|hooks, frames| frames.iter().for_each(|page| by_strings(hooks, page.into()))),
        )
        .with(
            "one call",
            arm(|hooks, frames| {
                by_strings(hooks, frames);
            }),
        )
        .with(
            "memset",
            arm(|hooks, frames| {
                let pages = hooks.mem().page_address(frames).expect("mapped").cast::<Page>();
                let len = frames.npages() as usize * PAGE_SIZE;
                // SAFETY: nothing else uses newly allocated pages.
                unsafe { libc::memset(pages.as_ptr().cast(), 0, len) };
            }),
        )
        .with(
            "post_alloc",
            arm(|hooks, frames| {
                // SAFETY: nothing else uses newly allocated frames.
                let done = unsafe { hooks.post_alloc(frames, AllocFlags::NONE) };
                let _ = black_box(done.expect("mapped"));
            }),
        )
        .run(ROUNDS, &mut []);
    println!(
        "{BLOCKS} blocks of 2 MiB allocated and freed, {} in all:",
        format_size(BLOCKS as u64 * (2 << 20))
    );
    for name in ["page by page", "one call", "memset", "post_alloc"] {
        let seconds = samples.median(name) / 1e9;
        let ratio = samples.ratio(name, "page by page");
        let what = if name == "one call" || name == "page by page" { stosb.name() } else { "" };
        println!("{seconds:8.3} s  {ratio:5.2} times as fast as page by page: {name} {what}");
    }
    let what = "2 MiB blocks, init_on_alloc: post_alloc to";
    promises.at_least(
        &format!("{what} page by page"),
        samples.ratio("post_alloc", "page by page"),
        3.2,
    );
    promises.at_least(
        &format!("{what} one memset a block"),
        samples.ratio("post_alloc", "memset"),
        1.8,
    );
}

/// Frees single frames in random order, 512 at a time, as when a process exits.
fn freed_in_bulk(promises: &mut Promises, pages: &mut [Page]) {
    let mut list: Vec<Frame> = (0..pages.len()).filter_map(|f| Frame::new(f as u64)).collect();
    fastrand::Rng::with_seed(5).shuffle(&mut list);
    let list = &list;
    let (map, _) = memory(pages);
    let hooks = &PageHooks::new(map).with_policy(InitPolicy::ON_FREE);
    let samples = Race::default()
        .with("bulk", |_| {
            nanoseconds(|| {
                for bulk in list.chunks(512) {
                    // SAFETY: nothing else uses frames of the arena meanwhile.
                    let done = unsafe { hooks.free_prepare_scattered(bulk, AllocFlags::NONE) };
                    let _ = black_box(done.expect("mapped"));
                }
            })
        })
        .with("a frame", |_| {
            nanoseconds(|| {
                for &frame in list {
                    // SAFETY: as above.
                    let done = unsafe { hooks.free_prepare(frame.into(), AllocFlags::NONE) };
                    let _ = black_box(done.expect("mapped"));
                }
            })
        })
        .with("stosb a frame", |_| {
            nanoseconds(|| {
                for &frame in list {
                    by_strings(hooks, frame.into());
                }
            })
        })
        .run(ROUNDS, &mut []);
    let speed = |name| (list.len() * PAGE_SIZE) as f64 / samples.median(name);
    println!(
        "frames freed in bulk {:.0} GB/s, one by one {:.0} GB/s",
        speed("bulk"),
        speed("a frame")
    );
    let what = "4 KiB frames freed in bulk, init_on_free: to";
    promises.at_least(
        &format!("{what} {} a frame", string_stores().name()),
        samples.ratio("bulk", "stosb a frame"),
        3.0,
    );
    promises.at_least(
        &format!("{what} free_prepare a frame"),
        samples.ratio("bulk", "a frame"),
        1.0,
    );
}
