//! Long blocks that were hardly touched, as tables and reserved arenas are, take no memory when they
//! are freed under `on_free`.
#![cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;

use clearpage::PAGE_SIZE;
use clearpage::hooks::{ClearingAlloc, InitPolicy};
use clearpage_testkit::{child_with, emulator, say};

#[global_allocator]
static ALLOC: ClearingAlloc<System> = ClearingAlloc::new(System).with_policy(InitPolicy::ON_FREE);

/// For an allocator that maps long blocks, as the C library's does, without a look at what was
/// touched.
static UNMAPS: ClearingAlloc<System> = ClearingAlloc::new(System)
    .with_policy(InitPolicy::ON_FREE)
    .unmap_threshold(32 << 20)
    .wipe_touched_from(usize::MAX);

const LEN: usize = if usize::BITS == 64 { 2 << 30 } else { 256 << 20 };
/// Less than a tenth of a block, and more than what the rest of the program takes meanwhile.
const LITTLE: usize = LEN / 16;

/// No more than `malloc` gives on any target: `System` resizes blocks of more by copying them.
const ALIGN: usize = 8;

/// The most memory that this process ever had, in bytes.
fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    kib.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() << 10
}

/// By how much `run` raises the peak.
fn raised(run: impl FnOnce()) -> usize {
    let before = peak();
    run();
    // The counters of the system are not exact.
    peak().saturating_sub(before)
}

/// Child: some pages of a long block are used, then it is freed.
#[test]
#[ignore = "run by other tests, in a process of its own"]
fn drop_a_sparse_block() {
    let mut block = vec![0_u8; LEN];
    block.iter_mut().step_by(LEN / 8).for_each(|byte| *byte = 1);
    println!("raised by {}", raised(|| drop(block)) / LITTLE);
}

/// Child: the same, with a block that grows before.
#[test]
#[ignore = "run by other tests, in a process of its own"]
fn free_what_the_allocator_unmaps() {
    let layout = Layout::from_size_align(LEN / 2, ALIGN).unwrap();
    let raised = raised(|| {
        // SAFETY: a block is used within its size, and freed once with the layout that it has.
        unsafe {
            let block = UNMAPS.alloc_zeroed(layout);
            block.write(1);
            let block = UNMAPS.realloc(block, layout, LEN);
            assert_eq!(block.read(), 1);
            UNMAPS.dealloc(block, Layout::from_size_align(LEN, ALIGN).unwrap());
        }
    });
    println!("raised by {}", raised / LITTLE);
}

#[test]
#[cfg_attr(clearpage_asan, ignore = "ASan keeps notes on all of a block, in memory of its own")]
fn a_sparse_block_is_freed_without_memory_for_all_of_it() {
    if cfg!(target_endian = "big") && emulator::emulator().is_some() {
        return say(
            "sparse blocks: skipped: QEMU shows the host's pagemap in the host's byte order",
        );
    }
    for child in ["drop_a_sparse_block", "free_what_the_allocator_unmaps"] {
        let output = child_with(child, &[]);
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && stdout.contains("raised by 0\n"), "{child}: {stdout}");
    }
}

/// Whatever was touched is wiped, in whatever part of the block.
#[test]
fn what_was_touched_is_wiped() {
    /// Looks at the blocks that come back.
    struct Watch;

    // SAFETY: the system's blocks.
    unsafe impl GlobalAlloc for Watch {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            // SAFETY: the caller's promise.
            unsafe { System.alloc(layout) }
        }

        unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
            // SAFETY: the caller's promise.
            unsafe { System.alloc_zeroed(layout) }
        }

        unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
            // SAFETY: the block is valid until it is freed, and all of it is zero.
            unsafe {
                let block = std::slice::from_raw_parts(ptr, layout.size());
                assert_eq!(block.iter().position(|&byte| byte != 0), None);
                System.dealloc(ptr, layout);
            }
        }
    }

    let alloc = ClearingAlloc::new(Watch).with_policy(InitPolicy::ON_FREE);
    for (len, align) in [(1 << 20, 16), (4 << 20, 16), ((9 << 20) + 5, 1), (16 << 20, 2 << 20)] {
        let layout = Layout::from_size_align(len, align).unwrap();
        for step in [1, PAGE_SIZE + 1, 100 * PAGE_SIZE, len] {
            // SAFETY: the block is used within its size, and freed once.
            unsafe {
                let block = alloc.alloc_zeroed(layout);
                (0..len).step_by(step).for_each(|at| block.add(at).write(1));
                block.add(len - 1).write(1);
                alloc.dealloc(block, layout);
            }
        }
    }
}
