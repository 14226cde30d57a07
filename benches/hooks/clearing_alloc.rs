//! Measures `ClearingAlloc`: its cost with policies off, its clears against `memset`, and memory that
//! is kept and cleared against memory that is unmapped and faulted in again.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::ptr::null_mut;
use std::time::Instant;

use clearpage::hooks::{ClearingAlloc, InitPolicy, set_policy};
use clearpage_benches::{Promises, Race};
use clearpage_cli::harness::table::ruled;
use clearpage_cli::harness::units::format_size;

/// Follows the policy of the process, as a global allocator does.
static FOLLOWING: ClearingAlloc<System> = ClearingAlloc::new(System);
static ON_ALLOC: ClearingAlloc<System> =
    ClearingAlloc::new(System).with_policy(InitPolicy::ON_ALLOC);
static ON_FREE: ClearingAlloc<System> = ClearingAlloc::new(System).with_policy(InitPolicy::ON_FREE);
static ZEROING: ClearingAlloc<System> = ClearingAlloc::new(System).alloc_zeroed_threshold(32 << 10);
static MEMSET_ON_ALLOC: Memset = Memset { on_alloc: true };
static MEMSET_ON_FREE: Memset = Memset { on_alloc: false };

/// Clears by the C library's `memset`.
struct Memset {
    on_alloc: bool,
}

// SAFETY: the blocks are the system's.
unsafe impl GlobalAlloc for Memset {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise; the block is valid for its size.
        unsafe {
            let ptr = System.alloc(layout);
            if self.on_alloc && !ptr.is_null() {
                libc::memset(black_box(ptr).cast(), 0, layout.size());
            }
            ptr
        }
    }

    #[inline]
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe {
            if !self.on_alloc {
                // `black_box` keeps the compiler from dropping it.
                black_box(libc::memset(ptr.cast(), 0, layout.size()));
            }
            System.dealloc(ptr, layout);
        }
    }
}

const ROUNDS: usize = 101;
/// Blocks in use at a time, if they are many.
const MANY: usize = 64;
/// Nanoseconds per sample, about. Many samples are taken, so that an interrupt in some has no effect.
const SAMPLE: f64 = 100_000.0;

/// Calls a static allocator as the compiler's shims call a global one: out of line, so that calls
/// share nothing, and by name, so that its constants are known.
macro_rules! shim {
    ($name:ident, $static:expr, $alloc:ident) => {
        struct $name;

        // SAFETY: all calls go to that allocator.
        unsafe impl GlobalAlloc for $name {
            #[inline(never)]
            unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
                // SAFETY: the caller's promise.
                unsafe { $static.$alloc(layout) }
            }

            #[inline(never)]
            unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
                // SAFETY: the caller's promise.
                unsafe { $static.dealloc(ptr, layout) }
            }
        }
    };
}

shim!(Bare, System, alloc);
shim!(Off, FOLLOWING, alloc);
shim!(OnAlloc, ON_ALLOC, alloc);
shim!(OnFree, ON_FREE, alloc);
shim!(MemsetOnAlloc, MEMSET_ON_ALLOC, alloc);
shim!(MemsetOnFree, MEMSET_ON_FREE, alloc);
shim!(Calloc, System, alloc_zeroed);
shim!(Zeroing, ZEROING, alloc_zeroed);

/// Returns the nanoseconds of a pair of alloc and free, over `npairs` pairs with `LIVE` blocks at a time.
#[inline(never)]
fn pairs<const LIVE: usize>(alloc: impl GlobalAlloc, layout: Layout, npairs: usize) -> f64 {
    let mut blocks = [null_mut(); LIVE];
    let groups = npairs.div_ceil(LIVE);
    let start = Instant::now();
    for _ in 0..groups {
        // SAFETY: the layout is not of 0 bytes; each block is freed with it, once.
        unsafe {
            for block in &mut blocks {
                *block = black_box(alloc.alloc(layout));
            }
            for block in blocks {
                alloc.dealloc(block, layout);
            }
        }
    }
    start.elapsed().as_nanos() as f64 / (groups * LIVE) as f64
}

pub fn promise(promises: &mut Promises) {
    small(promises);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    kept::promise(promises);
}

/// Measures pairs of alloc and free around the C library's allocator.
fn small(promises: &mut Promises) {
    set_policy(InitPolicy::OFF);
    let one = off::<1>("one block at a time");
    let many = off::<MANY>("many at a time");
    promises.at_least("policies off, many blocks: System to ClearingAlloc, mean", many.0, 0.99);
    promises.at_least("policies off, one block: System to ClearingAlloc, mean", one.0, 0.99);
    promises.at_least("policies off, one block: System to ClearingAlloc, worst", one.1, 0.99);
    on(promises);
    zeroed::<1>("one block at a time");
    zeroed::<MANY>("many at a time");
}

fn sizes() -> impl Iterator<Item = Layout> {
    (4..=16).map(|shift| Layout::from_size_align(1 << shift, 8).unwrap())
}

/// Returns the pairs per sample.
fn effort(pair: f64) -> usize {
    (SAMPLE / pair) as usize
}

/// Measures with both policies off; returns the mean ratio and the worst.
fn off<const LIVE: usize>(how: &str) -> (f64, f64) {
    let mut table = ruled();
    table.set_header([how, "System, ns a pair", "ClearingAlloc, off", "ratio"]);
    let ratios: Vec<f64> = sizes()
        .map(|layout| {
            let n = effort(pairs::<LIVE>(Bare, layout, 1000));
            let samples = Race::default()
                .with("System", |_| pairs::<LIVE>(Bare, layout, n))
                .with("off", |_| pairs::<LIVE>(Off, layout, n))
                .run(ROUNDS, &mut []);
            let ratio = samples.ratio("off", "System");
            table.add_row([
                format_size(layout.size() as u64),
                format!("{:.2}", samples.median("System")),
                format!("{:.2}", samples.median("off")),
                format!("{ratio:.3}"),
            ]);
            ratio
        })
        .collect();
    println!("{table}");
    (mean(&ratios), ratios.into_iter().fold(f64::INFINITY, f64::min))
}

/// Returns the geometric mean.
fn mean(ratios: &[f64]) -> f64 {
    (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp()
}

/// Compares clears with `memset` at the same points.
fn on(promises: &mut Promises) {
    let mut table = ruled();
    table.set_header([
        "one block at a time",
        "on_alloc ns",
        "memset to it",
        "on_free ns",
        "memset to it",
    ]);
    let (mut on_alloc, mut on_free) = (vec![], vec![]);
    for layout in sizes() {
        let n = effort(pairs::<1>(MemsetOnAlloc, layout, 1000));
        let samples = Race::default()
            .with("on_alloc", |_| pairs::<1>(OnAlloc, layout, n))
            .with("on_free", |_| pairs::<1>(OnFree, layout, n))
            .with("memset on_alloc", |_| pairs::<1>(MemsetOnAlloc, layout, n))
            .with("memset on_free", |_| pairs::<1>(MemsetOnFree, layout, n))
            .run(ROUNDS, &mut []);
        let alloc = samples.ratio("on_alloc", "memset on_alloc");
        let free = samples.ratio("on_free", "memset on_free");
        on_alloc.push(alloc);
        on_free.push(free);
        table.add_row([
            format_size(layout.size() as u64),
            format!("{:.1}", samples.median("on_alloc")),
            format!("{alloc:.2}"),
            format!("{:.1}", samples.median("on_free")),
            format!("{free:.2}"),
        ]);
    }
    println!("{table}");
    promises.at_least("on_alloc: memset to ClearingAlloc, mean", mean(&on_alloc), 1.0);
    promises.at_least("on_free: memset to ClearingAlloc, mean", mean(&on_free), 1.0);
}

/// Compares `alloc_zeroed` of the C library with blocks cleared here.
fn zeroed<const LIVE: usize>(how: &str) {
    let mut table = ruled();
    table.set_header([how, "calloc, ns a pair", "alloc_zeroed_threshold", "calloc to it"]);
    for layout in sizes() {
        let n = effort(pairs::<LIVE>(Calloc, layout, 1000));
        let samples = Race::default()
            .with("calloc", |_| pairs::<LIVE>(Calloc, layout, n))
            .with("ours", |_| pairs::<LIVE>(Zeroing, layout, n))
            .run(ROUNDS, &mut []);
        table.add_row([
            format_size(layout.size() as u64),
            format!("{:.1}", samples.median("calloc")),
            format!("{:.1}", samples.median("ours")),
            format!("{:.2}", samples.ratio("ours", "calloc")),
        ]);
    }
    println!("{table}");
}

/// Measures blocks of 2 MiB of which the user touches every page.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod kept {
    use std::sync::Mutex;

    use clearpage_cli::harness::memory::Arena;
    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

    use super::*;

    const BLOCK: usize = 2 << 20;
    /// Blocks in use at a time: more than fit the caches.
    const BLOCKS: usize = 32;
    const ROUNDS: usize = 31;

    /// An allocator of blocks of one size, with a free list whose links are in the blocks.
    struct Keeping {
        free: Mutex<*mut u8>,
        _memory: Arena,
    }

    impl Keeping {
        fn new() -> Self {
            let mut memory = Arena::new(BLOCKS * BLOCK);
            let start: *mut u8 = memory.pages().as_mut_ptr().cast();
            let keeping = Self { free: Mutex::new(null_mut()), _memory: memory };
            for n in 0..BLOCKS {
                // SAFETY: each block of the arena is put into the list once.
                unsafe { keeping.dealloc(start.add(n * BLOCK), LAYOUT) };
            }
            keeping
        }
    }

    // SAFETY: a block is either in the list or in use, and all have one layout.
    unsafe impl GlobalAlloc for Keeping {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            assert_eq!(layout, LAYOUT);
            let mut free = self.free.lock().unwrap();
            let block = *free;
            if !block.is_null() {
                // SAFETY: a block of the list begins with the next.
                *free = unsafe { block.cast::<*mut u8>().read() };
            }
            block
        }

        unsafe fn dealloc(&self, ptr: *mut u8, _: Layout) {
            let mut free = self.free.lock().unwrap();
            // SAFETY: the block is ours again, and aligned.
            unsafe { ptr.cast::<*mut u8>().write(*free) };
            *free = ptr;
        }
    }

    const LAYOUT: Layout = match Layout::from_size_align(BLOCK, 4096) {
        Ok(layout) => layout,
        Err(_) => unreachable!(),
    };

    /// Maps each block, and unmaps it when it is freed.
    struct GivingBack {
        huge: bool,
    }

    // SAFETY: each block is a mapping, aligned to a huge page, that is unmapped whole.
    unsafe impl GlobalAlloc for GivingBack {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
            // SAFETY: the kernel chooses unused address space, and only that is unmapped.
            unsafe {
                let room = mmap_anonymous(null_mut(), 2 * BLOCK, access, flags).unwrap();
                let before = room.addr().next_multiple_of(BLOCK) - room.addr();
                let block = room.byte_add(before);
                if before > 0 {
                    munmap(room, before).unwrap();
                }
                munmap(block.byte_add(layout.size()), BLOCK - before).unwrap();
                let advice =
                    if self.huge { Advice::LinuxHugepage } else { Advice::LinuxNoHugepage };
                // Kernels without huge pages refuse the advice, which then changes nothing.
                let _ = madvise(block, layout.size(), advice);
                block.cast()
            }
        }

        unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
            // SAFETY: nothing uses the block's mapping any more.
            unsafe { munmap(ptr.cast(), layout.size()).unwrap() }
        }
    }

    /// Returns the nanoseconds per block: all are allocated and touched in each page, then freed.
    fn cycles(alloc: &impl GlobalAlloc, zeroed: bool) -> f64 {
        let mut blocks = [null_mut::<u8>(); BLOCKS];
        let start = Instant::now();
        for block in &mut blocks {
            // SAFETY: the block is touched within its size.
            unsafe {
                *block = if zeroed { alloc.alloc_zeroed(LAYOUT) } else { alloc.alloc(LAYOUT) };
                for at in (0..BLOCK).step_by(4096) {
                    assert_eq!(block.add(at).replace(1), 0, "not zero");
                }
            }
        }
        for block in blocks {
            // SAFETY: each block is freed once.
            unsafe { alloc.dealloc(block, LAYOUT) };
        }
        start.elapsed().as_nanos() as f64 / BLOCKS as f64
    }

    pub fn promise(promises: &mut Promises) {
        let on_alloc = ClearingAlloc::new(Keeping::new()).with_policy(InitPolicy::ON_ALLOC);
        let both = ClearingAlloc::new(Keeping::new()).with_policy(InitPolicy::BOTH);
        let calloc = Keeping::new();
        let (small, huge) = (GivingBack { huge: false }, GivingBack { huge: true });
        const KEPT: &str = "kept, ClearingAlloc on_alloc";
        const BACK: &str = "given back, faulted in";
        const HUGE: &str = "given back, faulted in as a huge page";
        let samples = Race::default()
            .with(KEPT, |_| cycles(&on_alloc, false))
            .with("kept, ClearingAlloc both", |_| cycles(&both, false))
            .with("kept, memset", |_| cycles(&calloc, true))
            .with(BACK, |_| cycles(&small, false))
            .with(HUGE, |_| cycles(&huge, false))
            .run(ROUNDS, &mut []);
        let mut table = ruled();
        table.set_header(["2 MiB, taken, touched, freed", "us", "times as long as the first"]);
        for (name, _) in &samples.0 {
            let time = format!("{:.1}", samples.median(name) / 1000.0);
            table.add_row([name, &time, &format!("{:.2}", samples.ratio(KEPT, name))]);
        }
        println!("{table}");
        promises.at_least("2 MiB kept and cleared to given back", samples.ratio(KEPT, BACK), 8.0);
    }
}
