//! Memory tags: `mte` zeroes the data and sets the tags to the pointer's, exactly in its range.
#![cfg(all(target_arch = "aarch64", target_os = "linux", target_pointer_width = "64", not(miri)))]

use std::arch::asm;
use std::ffi::{c_int, c_long, c_ulong, c_void};
use std::os::unix::process::ExitStatusExt;
use std::ptr::NonNull;
use std::{ptr, slice};

use clearpage::checks::ChecksDisabled;
use clearpage::highmem::tag::{self, Tag, TagChecks, TagState};
use clearpage::highmem::{Frame, FrameRange, LinearMap, clear_highpages, tag_clear_highpages};
use clearpage::hooks::{AllocFlags, DataState, InitPolicy, PageHooks};
use clearpage::{AvailablePrimitive, Intent, PAGE_SIZE, Page, primitives};
use clearpage_testkit::{child, say};

/// The bytes per tag.
const GRANULE: usize = 16;
/// The tag that the tests set; memory starts with 0.
const TAG: usize = 5;
const GARBAGE: u8 = 0xa5;

/// Returns the primitive, or prints that this CPU has no tags.
fn mte() -> Option<AvailablePrimitive> {
    let row = primitives().iter().find(|p| p.name() == "mte").expect("a row of this ISA");
    row.available().inspect_err(|why| say(&format!("mte: skipped: {why}"))).ok()
}

/// Memory with tags, initially 0, in a thread that faults on a load with the wrong tag.
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
        // SAFETY: the memory is new, and the setting applies to this thread only.
        let ptr: *mut u8 = unsafe {
            let control = PR_TAGGED_ADDR_ENABLE | PR_MTE_TCF_SYNC;
            let zero: c_ulong = 0;
            assert_eq!(prctl(PR_SET_TAGGED_ADDR_CTRL, control, zero, zero, zero), 0);
            mmap(ptr::null_mut(), len, READ_WRITE_MTE, PRIVATE_ANONYMOUS, -1, 0).cast()
        };
        assert_ne!(ptr.addr(), usize::MAX, "mmap: {}", std::io::Error::last_os_error());
        Self { ptr, len }
    }

    /// Returns a pointer to byte `at`, with a tag.
    fn at(&self, at: usize, tag: usize) -> *mut u8 {
        self.ptr.wrapping_add(at).map_addr(|address| address | (tag << 56))
    }

    /// Returns the tag of the memory at byte `at`.
    fn tag(&self, at: usize) -> usize {
        let mut tagged = self.ptr.wrapping_add(at);
        // SAFETY: it only reads a tag, on a CPU that has them.
        unsafe { asm!(".arch_extension memtag", "ldg {0}, [{0}]", inout(reg) tagged) }
        (tagged.addr() >> 56) & 15
    }

    /// Loads byte `at` through a pointer with this tag. Faults if the memory has another one.
    fn load(&self, at: usize, tag: usize) -> u8 {
        assert!(at < self.len);
        // SAFETY: the byte is in the memory; the tag is tested.
        unsafe { self.at(at, tag).read_volatile() }
    }

    /// Fills the memory with garbage and sets all tags to 0.
    fn reset(&self, mte: AvailablePrimitive) {
        // SAFETY: only this test uses the memory, and its tags become 0.
        let all = unsafe { slice::from_raw_parts_mut(self.ptr, self.len) };
        mte.zero_bytes(all);
        all.fill(GARBAGE);
    }
}

/// Granules, pages, and ranges that end inside the largest blocks of DC GZVA.
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
fn data_is_zeroed_and_tags_are_set_to_the_pointers_tag() {
    let Some(mte) = mte() else { return };
    let memory = Tagged::new(4 * PAGE_SIZE);
    for (start, len) in RANGES {
        memory.reset(mte);
        // SAFETY: only this test uses the memory, whose tags become the pointer's.
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

/// A granule that is only partly in the range retains its tag, which must match.
#[test]
fn a_range_of_any_alignment_is_cleared_exactly() {
    let Some(mte) = mte() else { return };
    let memory = Tagged::new(4 * PAGE_SIZE);
    // SAFETY: only this test uses the memory, whose tags become the pointer's.
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

/// Child: clears a page, then loads from it through both tags.
#[test]
#[ignore = "run by another test, in a process of its own"]
fn load_through_both_tags() {
    let mte = mte().unwrap();
    let memory = Tagged::new(PAGE_SIZE);
    // SAFETY: only this test uses the memory, whose tags become the pointer's.
    mte.zero_bytes(unsafe { slice::from_raw_parts_mut(memory.at(0, TAG), PAGE_SIZE) });
    let at: usize = std::env::var("AT").unwrap().parse().unwrap();
    println!("the right tag loads {}", memory.load(at, TAG));
    println!("the wrong tag loads {}", memory.load(at, TAG + 1));
}

/// Runs a test in a child process, which must print `before` and fault before it prints `after`.
fn faults(test: &str, variable: (&str, &str), before: &str, after: &str) {
    const SIGSEGV: i32 = 11;
    let child = child(test, variable);
    let stdout = String::from_utf8_lossy(&child.stdout);
    assert!(stdout.contains(before), "{child:?}");
    assert!(!stdout.contains(after), "{child:?}");
    assert_eq!(child.status.signal(), Some(SIGSEGV), "{child:?}");
}

#[test]
fn the_wrong_tag_faults() {
    if mte().is_none() {
        return;
    }
    for at in [0, PAGE_SIZE / 2, PAGE_SIZE - 1] {
        let at = ("AT", &*at.to_string());
        faults("load_through_both_tags", at, "the right tag loads 0\n", "the wrong tag loads");
    }
}

/// Returns a map of frames from 0 on.
fn linear(first: *mut u8, len: usize) -> LinearMap {
    let frames = FrameRange::new(Frame::default(), (len / PAGE_SIZE) as u64).unwrap();
    // SAFETY: in each test the memory outlives the map, and only the test uses it.
    unsafe { LinearMap::new(frames, NonNull::new(first.cast()).unwrap()) }
}

fn frames(start: u64, npages: u64) -> FrameRange {
    FrameRange::new(Frame::new(start).unwrap(), npages).unwrap()
}

const NEW: Tag = Tag::new(TAG as u8).unwrap();

/// Without memory tags the CPU ignores the top byte of a pointer.
#[test]
fn the_tag_of_a_pointer_is_stripped() {
    let mut memory = clearpage_testkit::Garbage::new(4 * PAGE_SIZE);
    let first: *mut Page = memory.pages(4).as_mut_ptr();
    let tagged = tag::set(first, NEW);
    assert_eq!(tagged.addr() ^ first.addr(), TAG << 56);
    assert_eq!(tag::strip(tagged), first);
    let map = linear(tagged.cast(), 4 * PAGE_SIZE);
    // SAFETY: only this test uses the frames.
    unsafe { clear_highpages(&map, frames(1, 2), Intent::Auto) }.unwrap();
    memory.check_pages(&[false, true, true], &"tagged");
}

#[test]
fn the_top_byte_is_no_part_of_an_address() {
    let strip = |address| tag::strip(std::ptr::without_provenance_mut::<u8>(address)).addr();
    for address in [0x0000_7fff_1234_5678, 0xffff_8000_1234_5678_usize] {
        for byte in [0, 0x5a, 0xff] {
            assert_eq!(strip(address & !(0xff << 56) | byte << 56), address);
        }
        for number in 0..16 {
            let ptr = std::ptr::without_provenance_mut::<u8>(address);
            let tagged = tag::set(ptr, Tag::new(number).unwrap());
            // Only bits 59:56 hold the tag. Bits 63:60 are unchanged.
            assert_eq!(tagged.addr(), address & !(15 << 56) | usize::from(number) << 56);
            assert_eq!(tag::strip(tagged), ptr);
        }
    }
}

#[test]
fn frames_are_cleared_with_their_tags() {
    let Some(mte) = mte() else { return };
    let memory = Tagged::new(4 * PAGE_SIZE);
    memory.reset(mte);
    let map = linear(memory.ptr, memory.len);
    // SAFETY: only this test uses the frames; no pointer with the old tag is used on them
    // afterwards.
    let state = unsafe { tag_clear_highpages(&map, frames(1, 2), NEW) };
    assert_eq!(state, Ok(TagState::Set(NEW)));
    for at in 0..memory.len {
        let inside = (PAGE_SIZE..3 * PAGE_SIZE).contains(&at);
        let (tag, byte) = if inside { (TAG, 0) } else { (0, GARBAGE) };
        assert_eq!(memory.tag(at), tag, "tag at {at}");
        assert_eq!(memory.load(at, tag), byte, "byte at {at}");
    }
}

/// `ZERO_TAGS` sets the tags and zeroes the data, regardless of the policy.
#[test]
fn an_allocation_with_zero_tags_sets_tags_to_0() {
    let Some(mte) = mte() else { return };
    let memory = Tagged::new(2 * PAGE_SIZE);
    let hooks = PageHooks::new(linear(memory.ptr, memory.len)).with_policy(InitPolicy::OFF);
    for known in [AllocFlags::NONE, AllocFlags::KNOWN_ZERO] {
        memory.reset(mte);
        // SAFETY: only this test uses the frames; no pointer with the old tag is used on them.
        unsafe {
            let state = tag_clear_highpages(hooks.mem(), frames(0, 2), NEW);
            assert_eq!(state, Ok(TagState::Set(NEW)));
            let done = hooks.post_alloc(frames(0, 1), AllocFlags::ZERO_TAGS | known).unwrap();
            assert_eq!((done.data, done.tags), (DataState::Cleared, TagState::Set(Tag::ZERO)));
        }
        assert_eq!((memory.tag(0), memory.load(PAGE_SIZE - 1, 0)), (0, 0));
        assert_eq!(memory.tag(PAGE_SIZE), TAG);
    }
}

/// Child: loads through the new tag, before or after a clear that sets it.
#[test]
#[ignore = "run by another test, in a process of its own"]
fn load_through_the_new_tag() {
    let memory = Tagged::new(PAGE_SIZE);
    memory.reset(mte().unwrap());
    println!("the old tag loads {}", memory.load(0, 0));
    if std::env::var("CLEAR").unwrap() == "1" {
        // SAFETY: only this test uses the frame, and no pointer with the old tag is used on it.
        let state =
            unsafe { tag_clear_highpages(&linear(memory.ptr, PAGE_SIZE), frames(0, 1), NEW) };
        assert_eq!(state, Ok(TagState::Set(NEW)));
    }
    println!("the new tag loads {}", memory.load(PAGE_SIZE / 2, TAG));
}

#[test]
fn the_new_tag_faults_before_and_reads_zero_after() {
    if mte().is_none() {
        return;
    }
    let (test, old, new) = ("load_through_the_new_tag", "the old tag loads 165\n", "the new tag");
    faults(test, ("CLEAR", "0"), old, new);
    let child = child(test, ("CLEAR", "1"));
    assert!(String::from_utf8_lossy(&child.stdout).contains("the new tag loads 0\n"), "{child:?}");
    assert!(child.status.success(), "{child:?}");
}

/// Child: clears a frame whose tag differs from the pointer's, with and without the guard.
#[test]
#[ignore = "run by another test, in a process of its own"]
fn clear_through_another_tag() {
    let memory = Tagged::new(2 * PAGE_SIZE);
    memory.reset(mte().unwrap());
    let map = linear(memory.ptr, 2 * PAGE_SIZE);
    // SAFETY: only this test uses the frames.
    unsafe {
        assert_eq!(tag_clear_highpages(&map, frames(0, 1), NEW), Ok(TagState::Set(NEW)));
        memory.at(0, TAG).write_bytes(GARBAGE, PAGE_SIZE);
        {
            let outer = ChecksDisabled::new(&TagChecks);
            drop(ChecksDisabled::new(&TagChecks));
            clear_highpages(&map, frames(0, 1), Intent::Cold).unwrap();
            drop(outer);
        }
        assert_eq!((memory.tag(0), memory.load(0, TAG)), (TAG, 0));
        println!("with the guard: cleared");
        clear_highpages(&map, frames(0, 1), Intent::Cold).unwrap();
        println!("without the guard: cleared");
    }
}

/// A nested guard does not end the outer one.
#[test]
fn tag_checks_are_disabled_while_the_guard_is_held() {
    if mte().is_none() {
        return;
    }
    let test = "clear_through_another_tag";
    faults(test, ("NONE", ""), "with the guard: cleared", "without the guard: cleared");
}
