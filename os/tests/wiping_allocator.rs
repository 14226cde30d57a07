//! A wipe within `dealloc` does not call the allocator. MinGW's thread-local variables, which this test
//! needs in an allocator, allocate themselves.
#![cfg(not(all(windows, target_env = "gnu")))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use clearpage::hooks::{ClearingAlloc, InitPolicy};

/// Blocks from this length on are wiped.
const LONG: usize = 64 << 10;

// SAFETY: `wipe` zeroes every byte of the block, and does not call the allocator.
#[global_allocator]
static ALLOC: ClearingAlloc<Inner> =
    unsafe { ClearingAlloc::new(Inner).with_policy(InitPolicy::ON_FREE).wipe_with(LONG, wipe) };

static WIPED: AtomicUsize = AtomicUsize::new(0);
static NESTED: AtomicUsize = AtomicUsize::new(0);
static DIRTY: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static WIPING: Cell<bool> = const { Cell::new(false) };
}

/// Calls the wipe, and notes that this thread is within it.
unsafe fn wipe(ptr: *mut u8, len: usize) {
    WIPING.set(true);
    // SAFETY: the caller's promise.
    unsafe { clearpage_os::raw::wipe(ptr, len) };
    WIPING.set(false);
    WIPED.fetch_add(1, Relaxed);
}

/// Counts calls within a wipe, and long blocks that are freed without being zero.
struct Inner;

// SAFETY: the system allocates and frees the blocks.
unsafe impl GlobalAlloc for Inner {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        NESTED.fetch_add(WIPING.get().into(), Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        NESTED.fetch_add(WIPING.get().into(), Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        NESTED.fetch_add(WIPING.get().into(), Relaxed);
        // SAFETY: the caller's promise; a block is valid for its size.
        unsafe {
            if layout.size() >= LONG {
                let bytes = std::slice::from_raw_parts(ptr, layout.size());
                DIRTY.fetch_add((!clearpage_testkit::is_all(0, bytes)).into(), Relaxed);
            }
            System.dealloc(ptr, layout);
        }
    }
}

const LENGTHS: [usize; 6] = [LONG, 200_000, 256 << 10, 1 << 20, (5 << 20) + 77, 64 << 20];

fn use_blocks() {
    for len in LENGTHS {
        drop(vec![0_u8; len]);
        drop(vec![0xa5_u8; len]);
        let mut sparse = vec![0_u8; len];
        sparse.iter_mut().step_by(100_000).for_each(|byte| *byte = 0xa5);
        drop(sparse);
    }
}

fn assert_wiped(blocks: usize) {
    assert!(WIPED.load(Relaxed) >= blocks);
    assert_eq!(DIRTY.load(Relaxed), 0, "freed blocks that are not zero");
    assert_eq!(NESTED.load(Relaxed), 0, "calls of the allocator within a wipe");
}

#[test]
fn a_wipe_in_dealloc_does_not_allocate() {
    clearpage::init().unwrap();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(use_blocks);
        }
    });
    assert_wiped(2 * 3 * LENGTHS.len());
}

/// With no descriptor left, everything is cleared.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
#[test]
fn a_wipe_without_descriptors_does_not_allocate() {
    // AddressSanitizer opens files when it searches for leaks at the end.
    if !clearpage::checks::ADDRESS_SANITIZER {
        clearpage_testkit::alone("without_descriptors");
    }
}

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
#[test]
#[ignore = "run by a_wipe_without_descriptors_does_not_allocate"]
fn without_descriptors() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    clearpage::init().unwrap();
    setrlimit(Resource::Nofile, Rlimit { current: Some(3), maximum: Some(3) }).unwrap();
    use_blocks();
    assert_wiped(3 * LENGTHS.len());
}
