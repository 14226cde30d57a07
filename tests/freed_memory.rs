//! Blocks are zero after they are freed. The compiler could remove the stores as dead, because the
//! program never reads freed blocks. The tests read them through the kernel.
//!
//! With glibc only: its free blocks remain mapped, and it writes only to their first bytes.
#![cfg(all(target_os = "linux", target_env = "gnu", not(miri), not(clearpage_asan)))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs::File;
use std::os::unix::fs::FileExt;

use clearpage::Intent;
use clearpage::hooks::{ClearingAlloc, InitPolicy};
use clearpage::raw::zero_bytes;
use clearpage_testkit::emulator::emulator;
use clearpage_testkit::say;

/// The bytes that glibc writes to a free block of these lengths: list pointers.
const LIST: usize = 16;
const GARBAGE: u8 = 0xa5;
const LONGEST: usize = 256;

/// Blocks of `System` that start after a header, so that glibc writes only to the header.
struct AfterHeader;

// SAFETY: the blocks are parts of the system's blocks. The header is a multiple of the alignments.
unsafe impl GlobalAlloc for AfterHeader {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise; the length with a header does not overflow.
        unsafe { System.alloc(with_header(layout)).add(LIST) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the pointer is the start of the system's block.
        unsafe { System.dealloc(ptr.sub(LIST), with_header(layout)) }
    }
}

fn with_header(layout: Layout) -> Layout {
    Layout::from_size_align(LIST + layout.size(), layout.align()).unwrap()
}

/// The memory of this process, read through the kernel.
struct Memory(File);

impl Memory {
    /// Returns `None` in an emulator, because the kernel would read the memory of the emulator.
    fn open() -> Option<Self> {
        if emulator().is_some() {
            say("freed memory: skipped: emulated");
            return None;
        }
        Some(Self(File::open("/proc/self/mem").unwrap()))
    }

    /// Reads from `address` without an allocation.
    fn read(&self, address: usize) -> [u8; LONGEST] {
        let mut bytes = [0; LONGEST];
        self.0.read_exact_at(&mut bytes, address as u64).unwrap();
        bytes
    }

    /// Panics unless `len` bytes at `address`, except the first `skipped`, are zero.
    fn check(&self, address: usize, len: usize, skipped: usize) {
        let bytes = self.read(address);
        let dirty = bytes[..len].iter().skip(skipped).position(|&byte| byte != 0);
        assert_eq!(dirty, None, "freed block of {len} bytes, without the first {skipped}");
    }
}

fn layout(len: usize) -> Layout {
    Layout::from_size_align(len, 16).unwrap()
}

/// Returns a block full of garbage.
#[inline(always)]
fn garbage<A: GlobalAlloc>(alloc: &A, len: usize) -> *mut u8 {
    // SAFETY: the length is not 0, and the block is valid for it.
    unsafe {
        let ptr = alloc.alloc(layout(len));
        assert!(!ptr.is_null());
        ptr.write_bytes(GARBAGE, len);
        ptr
    }
}

/// Checks blocks of every length. Their neighbours remain allocated, so that no blocks are merged.
fn check_freed_blocks<A: GlobalAlloc>(memory: &Memory, alloc: &A, skipped: usize) {
    for len in 1..=LONGEST {
        let blocks = [(); 3].map(|()| garbage(alloc, len));
        let address = blocks[1].expose_provenance();
        assert_eq!(
            memory.read(address)[..len],
            [GARBAGE; LONGEST][..len],
            "the kernel reads another block"
        );
        // SAFETY: blocks of this allocator, each freed once.
        unsafe { alloc.dealloc(blocks[1], layout(len)) };
        memory.check(address, len, skipped);
        for neighbour in [blocks[0], blocks[2]] {
            // SAFETY: as above.
            unsafe { alloc.dealloc(neighbour, layout(len)) };
        }
    }
}

#[test]
fn short_blocks_are_zero_after_they_are_freed() {
    let Some(memory) = Memory::open() else { return };
    let alloc = ClearingAlloc::new(System).with_policy(InitPolicy::ON_FREE);
    check_freed_blocks(&memory, &alloc, LIST);
    let alloc = ClearingAlloc::new(AfterHeader).with_policy(InitPolicy::ON_FREE);
    check_freed_blocks(&memory, &alloc, 0);
}

/// Clears and frees in one function, with a length known at compile time.
fn check_inlined<const LEN: usize>(memory: &Memory) {
    let ptr = garbage(&AfterHeader, LEN);
    let address = ptr.addr();
    // SAFETY: the block has this length, and is freed once.
    unsafe {
        zero_bytes(ptr, LEN, Intent::Hot);
        AfterHeader.dealloc(ptr, layout(LEN));
    }
    memory.check(address, LEN, 0);
}

#[test]
fn a_clear_inlined_before_free_is_not_removed() {
    let Some(memory) = Memory::open() else { return };
    check_inlined::<1>(&memory);
    check_inlined::<3>(&memory);
    check_inlined::<4>(&memory);
    check_inlined::<8>(&memory);
    check_inlined::<24>(&memory);
    check_inlined::<64>(&memory);
    check_inlined::<100>(&memory);
    check_inlined::<200>(&memory);
    check_inlined::<256>(&memory);
}
