//! Hooks of a page allocator, for all flags and policies, memory that cannot be mapped, and checkers.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

use clearpage::checks::Checker;
use clearpage::highmem::tag::{self, TagState};
use clearpage::highmem::{Frame, FrameRange, Highmem, LinearMap};
use clearpage::hooks::{AllocFlags, DataState, InitOutcome, InitPolicy, PageHooks};
use clearpage_testkit::faulty::{Fault, FaultyMap};
use clearpage_testkit::flags::{POLICIES, at_alloc, at_free, every_flags};

/// Frames of the memory.
const NPAGES: usize = 24;

fn frame(number: u64) -> Frame {
    Frame::new(number).unwrap()
}

fn frames(start: u64, npages: u64) -> FrameRange {
    FrameRange::new(frame(start), npages).unwrap()
}

/// Returns memory of which half has an address and the rest is mapped three frames at a time.
/// Mappings fail from number `fail` on.
fn memory(fail: Option<u64>) -> FaultyMap {
    let half = NPAGES as u64 / 2;
    let mem = FaultyMap::new(&[(half, true), (half, false)], 3);
    fail.into_iter().for_each(|n| mem.fail_from(n));
    mem
}

/// A block in both halves.
const BLOCK: (u64, u64) = (8, 10);
const LIST: [u64; 7] = [20, 3, 4, 21, 0, 13, 14];

fn expect(done: InitOutcome, data: DataState, mem: &FaultyMap, cleared: impl Fn(u64) -> bool) {
    assert_eq!(done.data, data);
    mem.check(|frame| done.data == DataState::Cleared && cleared(frame));
}

#[test]
fn allocation_follows_the_truth_table() {
    let block = frames(BLOCK.0, BLOCK.1);
    for policy in POLICIES {
        for flags in every_flags() {
            let tags = flags.contains(AllocFlags::ZERO_TAGS) && tag::supported();
            let data = if tags { DataState::Cleared } else { at_alloc(policy, flags) };
            let hooks = PageHooks::new(memory(None)).with_policy(policy);
            // SAFETY: only this test uses the frames, which have no tags.
            let done = unsafe { hooks.post_alloc(block, flags) }.unwrap();
            assert_eq!(done.tags != TagState::Unchanged, tags, "{flags:?}");
            expect(done, data, hooks.mem(), |f| block.contains(frame(f)));

            let hooks = PageHooks::new(memory(None)).with_policy(policy);
            // SAFETY: as above.
            let done = unsafe { hooks.post_alloc_scattered(&LIST.map(frame), flags) }.unwrap();
            assert_eq!(done.tags != TagState::Unchanged, tags, "{flags:?}");
            expect(done, data, hooks.mem(), |f| LIST.contains(&f));
        }
    }
}

#[test]
fn freeing_follows_the_policy() {
    let block = frames(BLOCK.0, BLOCK.1);
    for policy in POLICIES {
        for flags in every_flags() {
            let data = at_free(policy, flags);
            let hooks = PageHooks::new(memory(None)).with_policy(policy);
            // SAFETY: only this test uses the frames.
            let done = unsafe { hooks.free_prepare(block, flags) }.unwrap();
            expect(done, data, hooks.mem(), |f| block.contains(frame(f)));

            let hooks = PageHooks::new(memory(None)).with_policy(policy);
            // SAFETY: as above.
            let done = unsafe { hooks.free_prepare_scattered(&LIST.map(frame), flags) }.unwrap();
            expect(done, data, hooks.mem(), |f| LIST.contains(&f));
        }
    }
}

#[test]
fn the_batch_path_ignores_the_policy() {
    let hooks = PageHooks::new(memory(None)).with_policy(InitPolicy::OFF);
    // SAFETY: only this test uses the frames.
    unsafe { hooks.init_pages(frames(0, 2)) }.unwrap();
    hooks.mem().check(|f| f < 2);
}

#[test]
fn the_policy_of_the_process_applies_by_default() {
    for policy in POLICIES {
        clearpage::hooks::set_policy(policy);
        let hooks = PageHooks::new(memory(None));
        // SAFETY: only this test uses the frames.
        let (alloc, free) = unsafe {
            let alloc = hooks.post_alloc(frames(1, 1), AllocFlags::NONE);
            (alloc.unwrap().data, hooks.free_prepare(frames(2, 1), AllocFlags::NONE).unwrap().data)
        };
        assert_eq!(
            (alloc == DataState::Cleared, free == DataState::Cleared),
            (policy.on_alloc, policy.on_free)
        );
    }
}

std::thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static SEEN: Cell<u32> = const { Cell::new(0) };
}

/// Counts the nesting, and the number of times that it was disabled.
struct Depth;

impl Checker for Depth {
    type State = ();

    fn disable_current(&self) {
        DEPTH.set(DEPTH.get() + 1);
        SEEN.set(SEEN.get() + 1);
    }

    fn enable_current(&self, (): ()) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Memory that must not be mapped while the checker is enabled.
struct Watched(FaultyMap);

// SAFETY: the addresses are those of the inner memory.
unsafe impl Highmem for Watched {
    type Error = Fault;
    type Mapping<'a> = clearpage_testkit::faulty::Copied<'a>;

    fn page_address(&self, frames: FrameRange) -> Option<std::ptr::NonNull<[clearpage::Page]>> {
        assert_eq!(DEPTH.get(), 1, "the checker is enabled");
        self.0.page_address(frames)
    }

    fn kmap_local(&self, frames: FrameRange) -> Result<Self::Mapping<'_>, Fault> {
        assert_eq!(DEPTH.get(), 1, "the checker is enabled");
        self.0.kmap_local(frames)
    }
}

/// An allocator and its hooks share one map, and a kernel's hooks are a constant.
#[test]
fn hooks_work_through_a_reference_to_the_memory() {
    static NOTHING: PageHooks<LinearMap> =
        // SAFETY: no frame is in the map.
        PageHooks::new(unsafe {
            LinearMap::new(FrameRange::containing(0, 0), NonNull::dangling())
        })
        .with_policy(InitPolicy::ON_ALLOC);
    let all = frames(0, NPAGES as u64);
    // SAFETY: only this test uses the frames.
    unsafe {
        let map = memory(None);
        let hooks = PageHooks::new(&map).with_policy(InitPolicy::BOTH);
        assert_eq!(hooks.post_alloc(all, AllocFlags::NONE).unwrap().data, DataState::Cleared);
        assert!(map.page_address(all).is_some_and(|pages| pages.len() < NPAGES), "in two parts");
        let error = NOTHING.post_alloc(all, AllocFlags::NONE).unwrap_err();
        assert_eq!(error.cleared, 0);
    }
}

#[test]
#[cfg(feature = "std")]
fn hooks_own_memory_that_others_share() {
    use clearpage::PAGE_SIZE;
    use clearpage_testkit::Garbage;
    use std::sync::Arc;

    let mut memory = Garbage::new(2 * PAGE_SIZE);
    let pages = NonNull::from(memory.pages(2));
    // SAFETY: only this test uses the memory.
    let map = Arc::new(unsafe { LinearMap::new(frames(0, 2), pages.cast()) });
    let hooks = PageHooks::new(map.clone()).with_policy(InitPolicy::ON_FREE);
    // SAFETY: as above.
    let done = unsafe { hooks.free_prepare(frames(1, 1), AllocFlags::NONE) }.unwrap();
    assert_eq!(done.data, DataState::Cleared);
    let bytes = map.bytes(frames(0, 2)).unwrap();
    // SAFETY: as above.
    let (first, second) = unsafe { bytes.as_ref() }.split_at(PAGE_SIZE);
    assert!(second.iter().all(|&byte| byte == 0) && first.iter().any(|&byte| byte != 0));
}

#[test]
fn each_call_disables_the_checker_once_and_enables_it_even_after_a_failure() {
    let hooks =
        |fail| PageHooks::with_checker(Watched(memory(fail)), Depth).with_policy(InitPolicy::BOTH);
    let all = frames(0, NPAGES as u64);
    // SAFETY: only this test uses the frames.
    unsafe {
        let _ = hooks(None).post_alloc(all, AllocFlags::NONE).unwrap();
        let _ = hooks(None).free_prepare(all, AllocFlags::NONE).unwrap();
        let _ = hooks(None).post_alloc(all, AllocFlags::ZERO_TAGS).unwrap();
        let _ = hooks(None).post_alloc_scattered(&LIST.map(frame), AllocFlags::NONE).unwrap();
        assert_eq!((SEEN.get(), DEPTH.get()), (4, 0));
        let error = hooks(Some(1)).post_alloc(all, AllocFlags::NONE).unwrap_err();
        assert_eq!((error.cleared, DEPTH.get()), (NPAGES as u64 / 2 + 3, 0));
        let panicking = hooks(None);
        panicking.mem().0.panic_at(1);
        let panics = AssertUnwindSafe(|| panicking.post_alloc(all, AllocFlags::NONE));
        catch_unwind(panics).unwrap_err();
        assert_eq!(DEPTH.get(), 0);
        // A call that clears nothing leaves the checker enabled.
        let before = SEEN.get();
        let _ = hooks(None).post_alloc(all, AllocFlags::KNOWN_ZERO).unwrap();
        assert_eq!(SEEN.get(), before);
    }
}

/// The error of a failed mapping counts the cleared entries of a list, with tags or without.
#[test]
fn an_error_reports_the_cleared_entries() {
    for fail in 0..5 {
        for flags in [AllocFlags::ZERO, AllocFlags::ZERO_TAGS | AllocFlags::ZERO] {
            let hooks = PageHooks::new(memory(Some(fail)));
            // SAFETY: only this test uses the frames.
            let result = unsafe { hooks.post_alloc_scattered(&LIST.map(frame), flags) };
            let cleared = result.err().map_or(LIST.len(), |error| error.cleared as usize);
            let done = &LIST[..cleared];
            hooks.mem().check(|f| done.contains(&f));
            // One mapping each for 20, 21, and 13 with 14. To set tags, each frame is mapped.
            let one_by_one = flags.contains(AllocFlags::ZERO_TAGS) && tag::supported();
            let mappings = if one_by_one { 4 } else { 3 };
            assert_eq!(result.is_ok(), fail >= mappings, "{fail}");
        }
    }
}
