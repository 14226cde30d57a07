//! A global allocator that wipes long blocks when they are freed, and counts every call that comes
//! back to it from there.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use clearpage_os::reset::wipe;

#[global_allocator]
static ALLOC: Wiping = Wiping;

struct Wiping;

/// From this length on, blocks are wiped.
const LONG: usize = 64 << 10;

static WIPED: AtomicUsize = AtomicUsize::new(0);
static NESTED: AtomicUsize = AtomicUsize::new(0);
static DIRTY: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static WIPES: Cell<bool> = const { Cell::new(false) };
    static WIPING: Cell<bool> = const { Cell::new(false) };
}

fn count_nested() {
    NESTED.fetch_add(WIPING.get().into(), Relaxed);
}

// SAFETY: the system's blocks.
unsafe impl GlobalAlloc for Wiping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count_nested();
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count_nested();
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        count_nested();
        // SAFETY: the caller's promise; a block is valid for its size.
        unsafe {
            if WIPES.get() && layout.size() >= LONG {
                WIPING.set(true);
                wipe(ptr, layout.size());
                WIPING.set(false);
                WIPED.fetch_add(1, Relaxed);
                let zero = std::slice::from_raw_parts(ptr, layout.size()).iter().all(|&b| b == 0);
                DIRTY.fetch_add((!zero).into(), Relaxed);
            }
            System.dealloc(ptr, layout);
        }
    }
}

fn use_blocks() {
    WIPES.set(true);
    for len in [LONG, 200_000, 256 << 10, 1 << 20, (5 << 20) + 77, 64 << 20] {
        drop(vec![0_u8; len]);
        drop(vec![0xa5_u8; len]);
        let mut sparse = vec![0_u8; len];
        sparse.iter_mut().step_by(100_000).for_each(|byte| *byte = 0xa5);
        drop(sparse);
    }
    WIPES.set(false);
}

#[test]
fn wiping_in_dealloc_does_not_allocate() {
    clearpage::init().unwrap();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(use_blocks);
        }
    });
    assert_eq!(WIPED.load(Relaxed), 2 * 6 * 3);
    assert_eq!(DIRTY.load(Relaxed), 0, "blocks were not zero");
    assert_eq!(NESTED.load(Relaxed), 0, "calls of the allocator by a wipe");
}

/// With no number left for a file.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
#[test]
#[cfg_attr(clearpage_asan, ignore = "the search for leaks at the end opens files")]
fn wiping_without_files_does_not_allocate() {
    let output = clearpage_testkit::child("without_files", ("RUST_TEST_THREADS", "1"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
#[test]
#[ignore = "run by wiping_without_files_does_not_allocate"]
fn without_files() {
    unsafe extern "C" {
        fn setrlimit(resource: std::ffi::c_int, limits: *const [u64; 2]) -> std::ffi::c_int;
    }
    const RLIMIT_NOFILE: std::ffi::c_int = 7;
    clearpage::init().unwrap();
    // SAFETY: two numbers, the current limit and the highest.
    assert_eq!(unsafe { setrlimit(RLIMIT_NOFILE, &[3, 3]) }, 0);
    use_blocks();
    assert_eq!((DIRTY.load(Relaxed), NESTED.load(Relaxed)), (0, 0));
}
