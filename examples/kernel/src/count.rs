//! Counts the instructions with which ArceOS's page allocator returns zeroed blocks: zeroed page by
//! page, and by one call of the hooks a block.
//!
//! Under QEMU's `-icount shift=0`, the counters of the CPUs count instructions.

use core::ptr::{NonNull, write_bytes};

use axallocator::PageAllocator;
use clearpage::highmem::{FrameRange, Highmem};
use clearpage::hooks::{AllocFlags, InitPolicy, PageHooks};
use clearpage::{Intent, PAGE_SIZE};

use crate::checked::{Checked, Reach};
use crate::console::print;
use crate::memory::{BOUNDARY, SECOND, START, range};
use crate::{arch, memory};

/// Prints the instructions of an allocation and of its zeroing, and checks that a block takes no more
/// of them than its pages one by one.
pub fn run() {
    // QEMU counts each step of a repeated string instruction. All ways here make the same number of
    // steps by the instruction that the compiler's `memset` uses.
    #[cfg(target_arch = "x86_64")]
    clearpage::force("stosq").unwrap();
    let served = clearpage::primitive_for(Intent::Hot, PAGE_SIZE).name();
    print!("{served}; pages: mapped, write_bytes a page, post_alloc a page, post_alloc a block;");
    print!(" in windows, post_alloc a page, post_alloc a block\n");
    for npages in [1, 8, 64, 512] {
        let direct = Checked::new(Reach::Table);
        let mapped = |way: Way| instructions(START..BOUNDARY, npages, |block| way(&direct, block));
        let mapped = [mapped(write_each), mapped(init_each), mapped(init_block)];
        let windows = |reach, way: Way| {
            let kmap = Checked::new(reach);
            instructions(BOUNDARY..SECOND, npages, |block| way(&kmap, block))
        };
        let windows = [windows(Reach::Page, init_each), windows(Reach::Block, init_block)];
        print!("{npages}: mapped");
        mapped.iter().for_each(|count| print!(" {count}"));
        print!("; in windows");
        windows.iter().for_each(|count| print!(" {count}"));
        print!("\n");
        if npages > 1 {
            assert!(
                mapped[2] < mapped[1] && windows[1] < windows[0],
                "a block costs more than its pages"
            );
        }
    }
}

/// A way to zero a block.
type Way = fn(&Checked, FrameRange);

/// As ArceOS zeroes frames for page tables and user memory.
fn write_each(kmap: &Checked, block: FrameRange) {
    for frame in block.iter() {
        let page: NonNull<u8> = kmap.page_address(frame.into()).unwrap().cast();
        // SAFETY: the allocator has just returned the frame.
        unsafe { write_bytes(page.as_ptr(), 0, PAGE_SIZE) };
    }
}

fn init_each(kmap: &Checked, block: FrameRange) {
    block.iter().for_each(|frame| init_block(kmap, frame.into()));
}

fn init_block(kmap: &Checked, block: FrameRange) {
    let hooks = PageHooks::new(kmap).with_policy(InitPolicy::ON_ALLOC);
    // SAFETY: the allocator has just returned the block.
    let _ = unsafe { hooks.post_alloc(block, AllocFlags::NONE) }.unwrap();
}

/// Returns the instructions of an allocation of `npages` pages out of `frames` and of `zero`, the
/// second time: the first one fills the caches of the library.
fn instructions(frames: core::ops::Range<u64>, npages: u64, zero: impl Fn(FrameRange)) -> u64 {
    let mut pages = memory::allocator(range(frames.start, frames.end - frames.start));
    let mut count = 0;
    for _ in 0..2 {
        let before = arch::counter();
        let at = pages.alloc_pages(npages as usize, npages as usize * PAGE_SIZE).unwrap();
        let block = FrameRange::containing(at as u64, npages * PAGE_SIZE as u64);
        zero(block);
        count = arch::counter() - before;
    }
    count
}
