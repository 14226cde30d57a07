//! Blocks that are wiped and freed at once: nothing in the program reads them afterwards, so that the
//! compiler may take the stores for dead. The kernel reads them here.
//!
//! Under glibc, whose free blocks stay mapped, and of which it uses only the first bytes.
#![cfg(all(target_os = "linux", target_env = "gnu", not(miri), not(clearpage_asan)))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs::File;
use std::os::unix::fs::FileExt;

use clearpage::Intent;
use clearpage::hooks::{ClearingAlloc, InitPolicy};
use clearpage::raw::zero_bytes;
use clearpage_testkit::emulator::emulator;
use clearpage_testkit::say;

/// What glibc writes to a free block of these lengths: pointers of a list.
const LIST: usize = 16;
const GARBAGE: u8 = 0xa5;
const LONGEST: usize = 256;

/// The system's blocks, after a header that is never the user's.
struct AfterHeader;

// SAFETY: parts of the system's blocks; the header has a multiple of every alignment that is asked for.
unsafe impl GlobalAlloc for AfterHeader {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise; a header more is no overflow at these lengths.
        unsafe { System.alloc(with_header(layout)).add(LIST) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: where the block begins.
        unsafe { System.dealloc(ptr.sub(LIST), with_header(layout)) }
    }
}

fn with_header(layout: Layout) -> Layout {
    Layout::from_size_align(LIST + layout.size(), layout.align()).unwrap()
}

/// The memory of this process, as the kernel sees it; `None` under an emulator, whose memory it sees.
struct Memory(File);

impl Memory {
    fn open() -> Option<Self> {
        if emulator().is_some() {
            say("freed memory: skipped: emulated");
            return None;
        }
        Some(Self(File::open("/proc/self/mem").unwrap()))
    }

    /// What is at `address`, without a call of the allocator.
    fn read(&self, address: usize) -> [u8; LONGEST] {
        let mut bytes = [0; LONGEST];
        self.0.read_exact_at(&mut bytes, address as u64).unwrap();
        bytes
    }

    /// Panics unless `len` bytes at `address`, without the first `skipped`, are zero.
    fn check(&self, address: usize, len: usize, skipped: usize) {
        let bytes = self.read(address);
        let dirty = bytes[..len].iter().skip(skipped).position(|&byte| byte != 0);
        assert_eq!(dirty, None, "freed block of {len} bytes, {skipped} of them not looked at");
    }
}

fn layout(len: usize) -> Layout {
    Layout::from_size_align(len, 16).unwrap()
}

/// A block full of garbage.
#[inline(always)]
fn garbage<A: GlobalAlloc>(alloc: &A, len: usize) -> *mut u8 {
    // SAFETY: a block of that many bytes, which are not 0.
    unsafe {
        let ptr = alloc.alloc(layout(len));
        assert!(!ptr.is_null());
        ptr.write_bytes(GARBAGE, len);
        ptr
    }
}

/// The neighbours of a block stay allocated, so that it is not merged with them.
fn check_freed_blocks<A: GlobalAlloc>(memory: &Memory, alloc: &A, skipped: usize) {
    for len in 1..=LONGEST {
        let blocks = [(); 3].map(|()| garbage(alloc, len));
        let address = blocks[1].expose_provenance();
        assert_eq!(
            memory.read(address)[..len],
            [GARBAGE; LONGEST][..len],
            "the block is not found"
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

/// All of it in one function, with a length that the compiler knows.
fn check_inlined<const LEN: usize>(memory: &Memory) {
    let ptr = garbage(&AfterHeader, LEN);
    let address = ptr.addr();
    // SAFETY: a block of that many bytes, freed once.
    unsafe {
        zero_bytes(ptr, LEN, Intent::Hot);
        AfterHeader.dealloc(ptr, layout(LEN));
    }
    memory.check(address, LEN, 0);
}

#[test]
fn a_wipe_that_is_inlined_before_free_stays() {
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
