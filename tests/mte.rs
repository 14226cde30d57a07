//! `mte` on tagged memory: data zero, tags those of the pointer, nothing outside touched.
#![cfg(all(target_arch = "aarch64", target_os = "linux", target_pointer_width = "64", not(miri)))]

mod common;

use std::arch::asm;
use std::ffi::{c_int, c_long, c_ulong, c_void};
use std::os::unix::process::ExitStatusExt;
use std::{ptr, slice};

use clearpage::{Available, PAGE_SIZE, primitives};
use common::{child, say};

/// What one tag covers.
const GRANULE: usize = 16;
/// The tag that the tests set; memory starts with 0.
const TAG: usize = 5;
const GARBAGE: u8 = 0xa5;

/// The row, unless this CPU has no tags: says so then.
fn mte() -> Option<Available> {
    let row = primitives().iter().find(|p| p.name() == "mte").expect("a row of this ISA");
    row.available().inspect_err(|why| say(&format!("mte: skipped: {why}"))).ok()
}

/// Memory with tags, all 0, in a thread that checks them and faults at the wrong load.
struct Tagged {
    ptr: *mut u8,
    len: usize,
}

impl Tagged {
    fn new(len: usize) -> Self {
        unsafe extern "C" {
            fn mmap(
                at: *mut c_void,
                len: usize,
                protection: c_int,
                flags: c_int,
                file: c_int,
                offset: c_long,
            ) -> *mut c_void;
            fn prctl(option: c_int, ...) -> c_int;
        }
        const PR_SET_TAGGED_ADDR_CTRL: c_int = 55;
        const PR_TAGGED_ADDR_ENABLE: c_ulong = 1;
        const PR_MTE_TCF_SYNC: c_ulong = 1 << 1;
        const READ_WRITE_MTE: c_int = 1 | 2 | 0x20;
        const PRIVATE_ANONYMOUS: c_int = 2 | 0x20;
        // SAFETY: new memory, of nobody else; and this thread's own way of checking tags.
        let ptr: *mut u8 = unsafe {
            let control = PR_TAGGED_ADDR_ENABLE | PR_MTE_TCF_SYNC;
            let zero: c_ulong = 0;
            assert_eq!(prctl(PR_SET_TAGGED_ADDR_CTRL, control, zero, zero, zero), 0);
            mmap(ptr::null_mut(), len, READ_WRITE_MTE, PRIVATE_ANONYMOUS, -1, 0).cast()
        };
        assert_ne!(ptr.addr(), usize::MAX, "mmap: {}", std::io::Error::last_os_error());
        Self { ptr, len }
    }

    /// A pointer `at` bytes in, with a tag of its own.
    fn at(&self, at: usize, tag: usize) -> *mut u8 {
        self.ptr.wrapping_add(at).map_addr(|address| address | (tag << 56))
    }

    /// The tag that the memory `at` bytes in has.
    fn tag(&self, at: usize) -> usize {
        let mut tagged = self.ptr.wrapping_add(at);
        // SAFETY: only reads a tag; called where the CPU has them.
        unsafe { asm!(".arch_extension memtag", "ldg {0}, [{0}]", inout(reg) tagged) }
        (tagged.addr() >> 56) & 15
    }

    /// Loads the byte `at` bytes in through a pointer of that tag: a fault where it is the wrong one.
    fn load(&self, at: usize, tag: usize) -> u8 {
        assert!(at < self.len);
        // SAFETY: inside the memory; the tag is what is tested.
        unsafe { self.at(at, tag).read_volatile() }
    }

    /// Everything garbage, every tag 0.
    fn reset(&self, mte: Available) {
        // SAFETY: the memory is this test's alone, and 0 is the tag that is set.
        let all = unsafe { slice::from_raw_parts_mut(self.ptr, self.len) };
        mte.zero_bytes(all);
        all.fill(GARBAGE);
    }
}

/// Granules, pages, and what DC GZVA's largest blocks leave over at either end.
const RANGES: [(usize, usize); 12] = [
    (0, GRANULE),
    (GRANULE, GRANULE),
    (GRANULE, 2 * GRANULE),
    (GRANULE, 3 * GRANULE),
    (64, 64),
    (48, 480),
    (512, 512),
    (496, 544),
    (2048 - GRANULE, 2048 + 2 * GRANULE),
    (0, PAGE_SIZE),
    (GRANULE, PAGE_SIZE - GRANULE),
    (GRANULE, 3 * PAGE_SIZE),
];

#[test]
fn data_is_zero_and_tags_are_the_pointers() {
    let Some(mte) = mte() else { return };
    let memory = Tagged::new(4 * PAGE_SIZE);
    for (start, len) in RANGES {
        memory.reset(mte);
        // SAFETY: the memory is this test's alone; its tags are about to become the pointer's.
        mte.zero_bytes(unsafe { slice::from_raw_parts_mut(memory.at(start, TAG), len) });
        for at in 0..memory.len {
            let inside = (start..start + len).contains(&at);
            let (tag, byte) = if inside { (TAG, 0) } else { (0, GARBAGE) };
            if at % GRANULE == 0 {
                assert_eq!(memory.tag(at), tag, "{start}, {len}: tag at {at}");
            }
            assert_eq!(memory.load(at, tag), byte, "{start}, {len}: byte at {at}");
        }
    }
}

/// Bytes of a granule that the range has only a part of keep their tag, which must be right.
#[test]
fn a_range_of_any_alignment_is_cleared_through_its_tag() {
    let Some(mte) = mte() else { return };
    let memory = Tagged::new(4 * PAGE_SIZE);
    // SAFETY: the memory is this test's alone; its tags are about to become the pointer's.
    let all = unsafe { slice::from_raw_parts_mut(memory.at(0, TAG), memory.len) };
    mte.zero_bytes(all);
    for (start, len) in [(1, 14), (7, GRANULE), (31, 2), (100, 1000), (9, 3 * PAGE_SIZE)] {
        all.fill(GARBAGE);
        mte.zero_bytes(&mut all[start..][..len]);
        for (at, &byte) in all.iter().enumerate() {
            let inside = (start..start + len).contains(&at);
            assert_eq!(byte, if inside { 0 } else { GARBAGE }, "{start}, {len}: byte at {at}");
        }
    }
    assert!((0..memory.len).step_by(GRANULE).all(|at| memory.tag(at) == TAG));
}

/// Child of the test below: clears a page, then loads from it through both tags.
#[test]
#[ignore = "run by another test, in a process of its own"]
fn load_through_both_tags() {
    let mte = mte().unwrap();
    let memory = Tagged::new(PAGE_SIZE);
    // SAFETY: the memory is this test's alone; its tags are about to become the pointer's.
    mte.zero_bytes(unsafe { slice::from_raw_parts_mut(memory.at(0, TAG), PAGE_SIZE) });
    let at: usize = std::env::var("AT").unwrap().parse().unwrap();
    println!("the right tag loads {}", memory.load(at, TAG));
    println!("the wrong tag loads {}", memory.load(at, TAG + 1));
}

#[test]
fn the_wrong_tag_faults() {
    const SIGSEGV: i32 = 11;
    if mte().is_none() {
        return;
    }
    for at in [0, PAGE_SIZE / 2, PAGE_SIZE - 1] {
        let child = child("load_through_both_tags", ("AT", &at.to_string()));
        let stdout = String::from_utf8_lossy(&child.stdout);
        assert!(stdout.contains("the right tag loads 0\n"), "{child:?}");
        assert!(!stdout.contains("the wrong tag loads"), "{child:?}");
        assert_eq!(child.status.signal(), Some(SIGSEGV), "{child:?}");
    }
}
