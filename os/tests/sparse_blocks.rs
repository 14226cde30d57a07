//! Under `on_free`, freeing a long block that was hardly touched takes no memory.
#![cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]

use std::alloc::{GlobalAlloc, Layout, System};

use clearpage::PAGE_SIZE;
use clearpage::checks::ADDRESS_SANITIZER;
use clearpage::hooks::{ClearingAlloc, InitPolicy};
use clearpage_os::raw::wipe;
use clearpage_testkit::linux::status_bytes;
use clearpage_testkit::{child_with, emulator, say};

// SAFETY: `wipe` zeroes every byte of the block, and does not call the allocator.
#[global_allocator]
static ALLOC: ClearingAlloc<System> =
    unsafe { ClearingAlloc::new(System).with_policy(InitPolicy::ON_FREE).wipe_with(4 << 20, wipe) };

/// For an allocator that maps long blocks, as the C library's does. It checks no pages.
static UNMAPS: ClearingAlloc<System> =
    ClearingAlloc::new(System).with_policy(InitPolicy::ON_FREE).unmap_threshold(32 << 20);

const LEN: usize = if usize::BITS == 64 { 2 << 30 } else { 256 << 20 };
/// Less than a tenth of a block, and more than the rest of the program takes meanwhile.
const LITTLE: usize = LEN / 16;

/// `malloc` guarantees it on any target: `System` resizes more strictly aligned blocks by copying.
const ALIGN: usize = 8;

/// Prints by how many multiples of [`LITTLE`] `run` raises the peak of this process's memory.
fn print_rise(run: impl FnOnce()) {
    let before = status_bytes("VmHWM");
    run();
    let raised = status_bytes("VmHWM").saturating_sub(before);
    println!("raised by {}", raised / LITTLE);
}

#[test]
#[ignore = "run by freeing_a_sparse_block_takes_no_memory"]
fn drop_a_sparse_block() {
    let mut block = vec![0_u8; LEN];
    block.iter_mut().step_by(LEN / 8).for_each(|byte| *byte = 1);
    print_rise(|| drop(block));
}

#[test]
#[ignore = "run by freeing_a_sparse_block_takes_no_memory"]
fn grow_and_free_a_block_that_is_unmapped() {
    let layout = Layout::from_size_align(LEN / 2, ALIGN).unwrap();
    print_rise(|| {
        // SAFETY: the block is used within its size, and freed once with its layout.
        unsafe {
            let block = UNMAPS.alloc_zeroed(layout);
            block.write(1);
            let block = UNMAPS.realloc(block, layout, LEN);
            assert_eq!(block.read(), 1);
            UNMAPS.dealloc(block, Layout::from_size_align(LEN, ALIGN).unwrap());
        }
    });
}

#[test]
fn freeing_a_sparse_block_takes_no_memory() {
    if ADDRESS_SANITIZER {
        return say("sparse blocks: skipped: ASan has metadata for all of a block");
    }
    if cfg!(target_endian = "big") && emulator::emulator().is_some() {
        return say("sparse blocks: skipped: QEMU shows the pagemap in the host's byte order");
    }
    for child in ["drop_a_sparse_block", "grow_and_free_a_block_that_is_unmapped"] {
        let output = child_with(child, &[]);
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && stdout.contains("raised by 0\n"), "{child}: {stdout}");
    }
}

#[test]
fn every_touched_byte_is_wiped() {
    /// Panics if a freed block is not zero.
    struct Watch;

    // SAFETY: the system allocates and frees the blocks.
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
            // SAFETY: the block is valid until it is freed, and initialised.
            unsafe {
                let block = std::slice::from_raw_parts(ptr, layout.size());
                assert!(clearpage_testkit::is_all(0, block));
                System.dealloc(ptr, layout);
            }
        }
    }

    let alloc = ClearingAlloc::new(Watch).with_policy(InitPolicy::ON_FREE);
    // SAFETY: as for `ALLOC`.
    let alloc = unsafe { alloc.wipe_with(4 << 20, wipe) };
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
