//! A kernel that clears frames: its own page tables, windows, a frame allocator with hooks, and an
//! interrupt and a second CPU that clear too. It prints one line, what it ran or what failed, and ends
//! the machine.
#![no_std]
#![no_main]

mod arch;
mod check;
mod checked;
mod console;
mod count;
mod kmap;
mod memory;
mod needs;
mod paging;
mod second;
mod tick;
mod trap;

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use axallocator::PageAllocator;
use clearpage::cpu::{Facts, Feature};
use clearpage::highmem::{Frame, FrameRange, Mapping, clear_highpages};
use clearpage::highmem::{Highmem, clear_highpage};
use clearpage::hooks::{AllocFlags, DataState, InitPolicy, PageHooks};
use clearpage::{Intent, Order, PAGE_SIZE, Page};

use check::{Checker, Content, observe};
use checked::{Checked, Reach};
use console::print;
use memory::{BOUNDARY, SECOND, START, range};

/// The stack pointer is set, interrupts are disabled, and nothing else is prepared.
#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    arch::init(0);
    let facts = early();
    // SAFETY: once, here.
    unsafe { memory::map_all() };
    // SAFETY: the features are as detected; all memory is Normal from now on, and nothing else runs.
    unsafe { clearpage::init_with(&facts) }.unwrap();
    vectors_fault();

    if cfg!(feature = "count") {
        count::run();
        arch::exit(true)
    }

    second::start();
    arch::start_timer();

    let primitives = every_primitive();
    scattered();
    nested();
    not_executable();
    hooks();
    #[cfg(target_arch = "x86_64")]
    arch::interrupt_backwards();
    report(primitives);
    arch::exit(true)
}

/// Clears a page before the page tables are set up, which on AArch64 means with the MMU off: all memory
/// is Device memory, where DC ZVA faults. `init_with` before any other call makes the plan without
/// an atomic read-modify-write. Returns the facts for the time when the MMU is on.
fn early() -> Facts {
    static mut PAGE: Page = Page::ZERO;
    let facts = arch::known_to_the_kernel(Facts::detect());
    let mut mmu_off = facts;
    mmu_off.features = facts.features.without(Feature::DcZva).without(Feature::Mops);
    // SAFETY: the features are as detected, without two that this plan does not use; nothing else runs.
    unsafe { clearpage::init_with(&mmu_off) }.unwrap();
    assert!(!["dc_zva", "mops"].contains(&clearpage::primitive_for(Intent::Auto, 4096).name()));
    let page = core::ptr::NonNull::new(&raw mut PAGE).unwrap();
    let words = page.cast::<[u64; 512]>();
    // SAFETY: nothing else uses the page. Volatile accesses, so that they are not merged.
    unsafe {
        words.write_volatile([!0; 512]);
        clearpage::raw::clear_pages(page, 1);
        assert!(words.read_volatile() == [0; 512], "the early page is not zero");
    }
    facts
}

/// Checks that vector instructions fault. Otherwise the test would not notice if the library used
/// them.
fn vectors_fault() {
    for (name, cause, attempt) in arch::VECTOR_INSTRUCTIONS {
        assert_eq!(trap::attempt(attempt), Some(*cause), "{name}: the vector state is on");
    }
}

/// Forces each primitive of this CPU in turn, for all kinds of windows. Returns the primitives as a
/// bit mask over the table.
fn every_primitive() -> u64 {
    // Below, next to, across and above the boundary; unaligned, and aligned blocks of 2 MiB.
    let ranges = [
        range(START + 7, 3),
        range(BOUNDARY - 600, 600),
        range(BOUNDARY - 5, 700),
        range(BOUNDARY, 1),
        range(memory::frame(80) - 1, 515),
        range(memory::frame(96), 1024),
    ];
    let mut ran = 0;
    for (index, primitive) in clearpage::primitives().iter().enumerate() {
        if primitive.sets_tags() || primitive.available().is_err() {
            continue;
        }
        clearpage::force(primitive.name()).unwrap();
        for reach in Reach::ALL {
            let kmap = Checked::new(reach);
            for (frames, intent) in ranges.iter().zip(Intent::ALL.iter().cycle()) {
                observe(*frames, format_args!("{} {reach:?} {frames}", primitive.name()), || {
                    // SAFETY: no allocator has the frames yet.
                    unsafe { clear_highpages(&kmap, *frames, *intent) }.unwrap();
                    Content::Zero
                });
            }
        }
        ran |= 1 << index;
    }
    clearpage::reset_plan().unwrap();
    ran
}

/// Clears lists of frames, one with an address and one without in turn.
fn scattered() {
    let frame = |i: usize| {
        let start = if i % 2 == 0 { memory::frame(20) } else { memory::frame(70) };
        Frame::new(start + 5 * i as u64).unwrap()
    };
    let list: [Frame; 100] = core::array::from_fn(frame);
    let hooks = PageHooks::new(Checked::new(Reach::Table)).with_policy(InitPolicy::BOTH);
    for free in [false, true] {
        for &frame in &list {
            Checker::Kernel.fill(range(frame.get() - 1, 3));
        }
        // SAFETY: no allocator has the frames yet.
        let done = unsafe {
            if free {
                hooks.free_prepare_scattered(&list, AllocFlags::NONE)
            } else {
                hooks.post_alloc_scattered(&list, AllocFlags::NONE)
            }
        };
        assert_eq!(done.unwrap().data, DataState::Cleared);
        for &frame in &list {
            for (offset, content) in
                [(0, Content::Pattern), (1, Content::Zero), (2, Content::Pattern)]
            {
                Checker::Kernel.expect(
                    range(frame.get() - 1 + offset, 1),
                    content,
                    format_args!("in a list, free: {free}"),
                );
            }
        }
    }
}

/// Clears a frame through a window while another window is open.
fn nested() {
    let (outer, inner) = (range(BOUNDARY + 10, 1), range(BOUNDARY + 20, 1));
    Checker::Kernel.fill(outer);
    for reach in Reach::ALL {
        let kmap = Checked::new(reach);
        let window = kmap.kmap_local(outer).unwrap();
        Checker::Kernel.observe(inner, format_args!("nested {reach:?}"), || {
            // SAFETY: no allocator has the frame yet.
            unsafe { clear_highpage(&kmap, inner.start()) }.unwrap();
            Content::Zero
        });
        // SAFETY: the window is open, and the frame has the pattern.
        let word = unsafe { window.pages().cast::<u64>().read_volatile() };
        assert_eq!(word, !outer.start().get(), "the outer window shows another frame");
        drop(window);
    }
}

/// Checks that frames are not executable, neither in the direct map nor in a window.
fn not_executable() {
    let (direct, other) = (range(START, 1), range(BOUNDARY + 10, 1));
    [direct, other].into_iter().for_each(|frame| Checker::Kernel.fill(frame));
    let kmap = Checked::new(Reach::Page);
    let window = kmap.kmap_local(other).unwrap();
    for pages in [kmap.page_address(direct).unwrap(), window.pages()] {
        let address = pages.addr().get();
        assert!(trap::attempt(|| arch::attempt_read(address)).is_none(), "a frame is not mapped");
        let fault = trap::attempt(|| arch::attempt_jump(address));
        assert!(fault == Some(arch::NOT_EXECUTABLE), "a frame is executable: {fault:?}");
    }
}

/// Allocates and frees blocks under each policy, as a page allocator would.
fn hooks() {
    let mut pages = memory::allocator(range(START, SECOND - START));
    let policies = [InitPolicy::ON_ALLOC, InitPolicy::ON_FREE, InitPolicy::BOTH, InitPolicy::OFF];
    let reaches = Reach::ALL.iter().cycle();
    for (policy, &reach) in policies.into_iter().zip(reaches.clone()) {
        let hooks = PageHooks::new(Checked::new(reach)).with_policy(policy);
        for order in [0, 1, 3, 9, 10].map(|order| Order::new(order).unwrap()) {
            let npages = order.npages() as u64;
            // With an address, across the boundary (order 0: after it), and without.
            for near in [memory::frame(32), BOUNDARY, memory::frame(80)] {
                let block = range(near / npages * npages, npages);
                let address = block.start().address() as usize;
                pages.alloc_pages_at(address, npages as usize, PAGE_SIZE).unwrap();
                life(&hooks, block, policy);
                pages.dealloc_pages(address, npages as usize);
            }
        }
    }
}

/// Runs the hooks of one allocation.
fn life(hooks: &PageHooks<Checked>, block: FrameRange, policy: InitPolicy) {
    let content = |data| match data {
        DataState::Cleared => Content::Zero,
        _ => Content::Pattern,
    };
    let wanted = |clear| if clear { Content::Zero } else { Content::Pattern };
    observe(block, format_args!("post_alloc {policy:?} {block}"), || {
        // SAFETY: the allocator has just returned the block.
        let done = unsafe { hooks.post_alloc(block, AllocFlags::NONE) }.unwrap();
        assert_eq!(content(done.data), wanted(policy.on_alloc));
        content(done.data)
    });
    observe(block, format_args!("free_prepare {policy:?} {block}"), || {
        // SAFETY: the block goes back to the allocator.
        let done = unsafe { hooks.free_prepare(block, AllocFlags::NONE) }.unwrap();
        assert_eq!(content(done.data), wanted(policy.on_free));
        content(done.data)
    });
}

fn report(primitives: u64) {
    arch::stop_timer();
    let count = |counter: &AtomicU64| counter.load(Relaxed);
    let (during, cleared) = (count(&tick::DURING), count(&tick::CLEARED));
    assert!(during > 0 && cleared > 0, "no interrupt came during a clear");
    let second = second::stop();
    print!("PASS:");
    for (index, primitive) in clearpage::primitives().iter().enumerate() {
        if primitives >> index & 1 != 0 {
            print!(" {}", primitive.name());
        }
    }
    print!("; {} blocks, {} windows; ", check::BLOCKS.load(Relaxed), count(&checked::OPENED));
    print!("{} interrupts, {during} during a clear; ", count(&tick::TICKS));
    print!("they cleared {cleared} frames; the second CPU made {second} clears\n");
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    arch::stop_timer();
    static FAILED: AtomicBool = AtomicBool::new(false);
    // Only the first CPU that fails prints, and ends the machine.
    while FAILED.swap(true, Relaxed) {}
    print!("FAIL: {}\n", info.message());
    arch::exit(false)
}
