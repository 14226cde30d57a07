//! Clears frames, whether they are mapped permanently, temporarily or in a mix of both.

use core::fmt;
use core::ptr::NonNull;

use super::{Frame, Frames, Highmem, Mapping, tag};
use crate::dispatch::choose;
use crate::door::{Clear, zero};
use crate::intent::Intent;
use crate::page::{PAGE_SHIFT, PAGE_SIZE, Page};
use crate::primitive::Available;
use crate::scattered;

/// An error that stopped the clearing of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClearError<E> {
    /// The number of frames cleared, from the first on. The others are unchanged.
    pub cleared: u64,
    /// The first frame not cleared: it could not be mapped, or cleared by other means.
    pub frame: Frame,
    /// The error of the mapper.
    pub source: E,
}

impl<E: fmt::Display> fmt::Display for ClearError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cleared, frame, source } = self;
        write!(f, "cannot clear {frame}, {cleared} pages before it are cleared: {source}")
    }
}

impl<E: core::error::Error + 'static> core::error::Error for ClearError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Zeroes one frame.
///
/// # Safety
/// As [`clear_highpages`].
///
/// # Errors
/// The frame could not be mapped, and is unchanged.
#[inline]
pub unsafe fn clear_highpage<M: Highmem + ?Sized>(
    mem: &M,
    frame: Frame,
) -> Result<(), ClearError<M::Error>> {
    // SAFETY: the caller's promise.
    unsafe { clear_highpages(mem, frame.into(), Intent::Auto) }
}

/// Zeroes contiguous frames, for `intent`.
///
/// An empty range is a no-op. All temporary mappings are undone, even on an error or a panic.
///
/// # Safety
/// The caller may overwrite the frames, and nothing else reads or writes them meanwhile through any
/// mapping.
///
/// Exception: in memory that is inherently shared, such as a guest's or a device's, accesses may
/// continue if they are volatile, atomic or made outside Rust, because every primitive stores by
/// assembly or volatile writes. Such an access finds each byte unchanged or zero, in any order.
///
/// # Errors
/// A frame could not be mapped. The error reports how many frames before it are cleared; all others
/// are unchanged.
///
/// # Panics
/// If the mapper panics or returns an empty mapping.
#[doc(alias = "clear_highpages_kasan_tagged")]
#[doc(alias = "clear_highpage_kasan_tagged")]
#[doc(alias = "kernel_init_pages")]
#[inline]
pub unsafe fn clear_highpages<M: Highmem + ?Sized>(
    mem: &M,
    frames: Frames,
    intent: Intent,
) -> Result<(), ClearError<M::Error>> {
    // SAFETY: the caller's promise.
    unsafe { clear_with(mem, frames, choose(intent, bytes(frames.npages()))) }
}

/// Returns the bytes in `npages` frames, at most `usize::MAX` on 32-bit targets.
#[inline]
fn bytes(npages: u64) -> usize {
    let len = npages << PAGE_SHIFT;
    if cfg!(target_pointer_width = "64") {
        len as usize
    } else {
        usize::try_from(len).unwrap_or(usize::MAX)
    }
}

/// Clears contiguous frames with the given primitive.
///
/// # Safety
/// As [`clear_highpages`].
#[inline]
unsafe fn clear_with<M: Highmem + ?Sized>(
    mem: &M,
    frames: Frames,
    primitive: Available,
) -> Result<(), ClearError<M::Error>> {
    let clear = |pages: NonNull<Page>, npages: usize| {
        let (pages, len) = (tag::reset(pages.as_ptr()).cast(), npages << PAGE_SHIFT);
        // SAFETY: the mapper promises that these are the frames, and the caller that it may
        // overwrite them; a page is a multiple of every block.
        unsafe { zero(Clear::Blocks(primitive, pages, len)) }
    };
    for_each_mapping(mem, frames, clear)
}

/// Calls `with` for each contiguous mapping of `frames`, in order.
#[inline]
pub(super) fn for_each_mapping<M: Highmem + ?Sized>(
    mem: &M,
    frames: Frames,
    mut with: impl FnMut(NonNull<Page>, usize),
) -> Result<(), ClearError<M::Error>> {
    if frames.is_empty() {
        return Ok(());
    }
    match mem.page_address(frames) {
        Some(pages) => {
            with(pages, frames.npages() as usize);
            Ok(())
        }
        None => by_runs(mem, frames, &mut with),
    }
}

/// Splits `frames` into runs of one kind of mapping. Out of line, to keep the path of a permanently
/// mapped page short; the call is negligible next to the cost of a temporary mapping.
#[cold]
#[inline(never)]
fn by_runs<M: Highmem + ?Sized>(
    mem: &M,
    frames: Frames,
    with: &mut impl FnMut(NonNull<Page>, usize),
) -> Result<(), ClearError<M::Error>> {
    let mut left = frames;
    while !left.is_empty() {
        let (run, rest) = match mem.boundary(left).checked_sub(left.start().get()) {
            Some(npages @ 1..) => left.split_at(npages),
            _ => left.split_at(u64::MAX),
        };
        match mem.page_address(run) {
            Some(pages) => with(pages, run.npages() as usize),
            None => by_windows(mem, run, with).map_err(|(window, source)| ClearError {
                cleared: window.start().get() - frames.start().get(),
                frame: window.start(),
                source,
            })?,
        }
        left = rest;
    }
    Ok(())
}

/// Maps frames without an address, as many at a time as the mapper maps. An error includes the
/// frames that remain.
fn by_windows<M: Highmem + ?Sized>(
    mem: &M,
    frames: Frames,
    with: &mut impl FnMut(NonNull<Page>, usize),
) -> Result<(), (Frames, M::Error)> {
    let mut left = frames;
    while !left.is_empty() {
        let mapping = mem.kmap_local(left).map_err(|source| (left, source))?;
        let pages = mapping.pages();
        assert_ne!(pages.len(), 0, "kmap_local: a mapping of none of {left}");
        debug_assert!(pages.len() as u64 <= left.npages(), "kmap_local: more than {left}");
        with(pages.cast(), pages.len());
        left = left.split_at(pages.len() as u64).1;
    }
    Ok(())
}

/// Addresses collected before one call clears them with one fence. 64 fit on a kernel's stack, and
/// a 64th of a fence per page is too little to measure.
const BATCH: usize = 64;

/// Zeroes discontiguous frames, in any order, for `intent`.
///
/// Frames that have an address are cleared as by [`clear_scattered`](crate::clear_scattered), with
/// one fence per batch of up to 64. The others are mapped individually; if consecutive entries are
/// contiguous, as many at a time as the mapper maps. A frame that is listed twice is cleared twice.
///
/// # Safety
/// As [`clear_highpages`].
///
/// # Errors
/// A frame could not be mapped. The error reports how many entries of the list before it are
/// cleared. The other frames are unchanged, except those that an earlier entry also names.
///
/// # Panics
/// As [`clear_highpages`].
pub unsafe fn clear_scattered_highpages<M: Highmem + ?Sized>(
    mem: &M,
    frames: &[Frame],
    intent: Intent,
) -> Result<(), ClearError<M::Error>> {
    let primitive = choose(intent, frames.len().saturating_mul(PAGE_SIZE));
    // SAFETY: the caller's promise.
    unsafe { clear_list_with(mem, frames, intent, primitive) }
}

/// Clears discontiguous frames with the given primitive. If it takes one range at a time, runs of
/// contiguous pages with an address use the primitive chosen for their length.
///
/// # Safety
/// As [`clear_highpages`].
unsafe fn clear_list_with<M: Highmem + ?Sized>(
    mem: &M,
    frames: &[Frame],
    intent: Intent,
    primitive: Available,
) -> Result<(), ClearError<M::Error>> {
    let (mut batch, mut gathered) = ([NonNull::<Page>::dangling(); BATCH], 0);
    let clear = |batch: &[NonNull<Page>]| {
        // SAFETY: the mapper returned these addresses for frames that the caller may overwrite.
        unsafe { scattered::clear_list(batch, primitive, intent) }
    };
    let mut done = 0;
    while let Some(&frame) = frames.get(done) {
        if let Some(page) = mem.page_address(frame.into()) {
            // SAFETY: the address is that of a page, so it is not null without its tag either.
            let page = unsafe { NonNull::new_unchecked(tag::reset(page.as_ptr())) };
            batch[gathered] = page;
            gathered += 1;
            done += 1;
            if gathered == BATCH {
                clear(&batch);
                gathered = 0;
            }
        } else {
            let run = run_without_address(mem, &frames[done..]);
            // SAFETY: the caller's promise.
            let cleared = unsafe { clear_with(mem, run, primitive) };
            if let Err(error) = cleared {
                clear(&batch[..gathered]);
                return Err(ClearError { cleared: done as u64 + error.cleared, ..error });
            }
            done += run.npages() as usize;
        }
    }
    clear(&batch[..gathered]);
    Ok(())
}

/// Returns the contiguous frames without an address that start the list. The first frame must have
/// none.
fn run_without_address<M: Highmem + ?Sized>(mem: &M, list: &[Frame]) -> Frames {
    let follows = |pair: &&[Frame]| {
        pair[0].get() + 1 == pair[1].get() && mem.page_address(pair[1].into()).is_none()
    };
    let npages = 1 + list.windows(2).take_while(follows).count();
    Frames::new(list[0], npages as u64).expect("each of them is a frame")
}

#[cfg(test)]
mod tests {
    use super::super::LinearMap;
    use super::*;
    use crate::primitive::{Leaf, Primitive, Registers, Store, WeakLeaf};
    use std::cell::RefCell;

    std::thread_local! {
        static CALLS: RefCell<Vec<(usize, usize)>> = const { RefCell::new(Vec::new()) };
    }

    const ROW: Primitive = Primitive {
        name: "recording",
        store: Store::Temporal,
        registers: Registers::General,
        needs: None,
        block: || PAGE_SIZE,
        availability: || Ok(()),
        leaf: Leaf::Ordered(|ptr, len| {
            CALLS.with_borrow_mut(|calls| calls.push((ptr.addr(), len)));
        }),
    };

    /// Records the ranges that it is called with.
    static RECORDING: Primitive = ROW;
    static RECORDING_LISTS: Primitive =
        Primitive { leaf: Leaf::Weak(record_list as WeakLeaf), ..ROW };

    unsafe fn record_list(list: *const *mut u8, entries: usize, _: usize) {
        CALLS.with_borrow_mut(|calls| calls.push((list.addr(), entries)));
    }

    fn calls() -> Vec<(usize, usize)> {
        CALLS.take()
    }

    /// Memory with addresses below `boundary`; frames from there on are mapped `window` at a time.
    struct Half {
        linear: LinearMap,
        boundary: u64,
        window: usize,
    }

    struct Held(NonNull<[Page]>);

    // SAFETY: the pages are those of the linear map, which stay mapped.
    unsafe impl Mapping for Held {
        fn pages(&self) -> NonNull<[Page]> {
            self.0
        }
    }

    // SAFETY: all addresses are those of the linear map.
    unsafe impl Highmem for Half {
        type Error = ();
        type Mapping<'a> = Held;

        fn page_address(&self, frames: Frames) -> Option<NonNull<Page>> {
            self.linear.page_address(frames).filter(|_| frames.end() <= self.boundary)
        }

        fn kmap_local(&self, frames: Frames) -> Result<Held, ()> {
            let pages = self.linear.page_address(frames).ok_or(())?;
            let npages = self.window.min(frames.npages() as usize);
            Ok(Held(NonNull::slice_from_raw_parts(pages, npages)))
        }

        fn boundary(&self, _: Frames) -> u64 {
            self.boundary
        }
    }

    fn half(boundary: u64, window: usize) -> (Half, usize) {
        let base = NonNull::<Page>::dangling();
        let frames = Frames::new(Frame::default(), 1000).expect("small");
        // SAFETY: the primitive only records its calls and accesses no memory.
        let linear = unsafe { LinearMap::new(frames, base) };
        (Half { linear, boundary, window }, base.addr().get())
    }

    fn frames(start: u64, npages: u64) -> Frames {
        Frames::new(Frame::new(start).expect("small"), npages).expect("small")
    }

    fn clear(mem: &Half, frames: Frames) -> Result<(), ClearError<()>> {
        let recording = RECORDING.available().expect("always");
        // SAFETY: the recording primitive accesses no memory.
        unsafe { clear_with(mem, frames, recording) }
    }

    #[test]
    fn a_permanent_mapping_takes_one_call() {
        let (mem, base) = half(1000, 1);
        assert_eq!(clear(&mem, frames(3, 997)), Ok(()));
        assert_eq!(calls(), [(base + 3 * PAGE_SIZE, 997 * PAGE_SIZE)]);
        assert_eq!(clear(&mem, frames(3, 0)), Ok(()));
        assert_eq!(calls(), []);
    }

    /// Stripping a tag must not move the address that the mapper promised. Excluded: AArch64, where
    /// the system fixes the ignored bits, and ASan, which has no shadow for some of the addresses.
    #[test]
    #[cfg(not(any(
        clearpage_asan,
        all(target_arch = "aarch64", target_pointer_width = "64", not(miri))
    )))]
    fn a_clear_lands_at_the_address_that_the_mapper_gave() {
        for bit in PAGE_SHIFT..usize::BITS {
            let address = 1 << bit;
            let base = NonNull::new(core::ptr::without_provenance_mut(address)).expect("not 0");
            // SAFETY: the primitive only records its calls and accesses no memory.
            let linear = unsafe { LinearMap::new(frames(0, 1), base) };
            assert_eq!(clear(&Half { linear, boundary: 1, window: 1 }, frames(0, 1)), Ok(()));
            assert_eq!(calls(), [(address, PAGE_SIZE)]);
            assert_eq!(tag::reset(base.as_ptr()), base.as_ptr());
        }
    }

    /// Memory without addresses, by the default of `boundary`.
    struct Windows(Half);

    // SAFETY: as `Half`.
    unsafe impl Highmem for Windows {
        type Error = ();
        type Mapping<'a> = Held;

        fn page_address(&self, _: Frames) -> Option<NonNull<Page>> {
            None
        }

        fn kmap_local(&self, frames: Frames) -> Result<Held, ()> {
            self.0.kmap_local(frames)
        }
    }

    #[test]
    fn memory_of_one_kind_needs_no_boundary() {
        let (mem, base) = half(1000, 5);
        let recording = RECORDING.available().expect("always");
        // SAFETY: the recording primitive accesses no memory.
        unsafe { clear_with(&Windows(mem), frames(0, 5), recording) }.expect("all mapped");
        assert_eq!(calls(), [(base, 5 * PAGE_SIZE)]);
    }

    #[test]
    fn the_size_of_frames_is_that_of_their_pages() {
        assert_eq!([0, 1, 3].map(bytes), [0, PAGE_SIZE, 3 * PAGE_SIZE]);
    }

    #[test]
    fn the_error_of_the_mapper_is_the_source() {
        // SAFETY: no frame has an address.
        let empty = unsafe { LinearMap::new(frames(0, 0), NonNull::dangling()) };
        // SAFETY: as above.
        let error = unsafe { clear_highpages(&empty, frames(7, 1), Intent::Cold) }.unwrap_err();
        let source = core::error::Error::source(&error).and_then(|e| e.downcast_ref());
        assert_eq!(source, Some(&error.source));
    }

    #[test]
    fn mixed_memory_is_split_where_the_kinds_meet() {
        let (mem, base) = half(500, 200);
        assert_eq!(clear(&mem, frames(100, 900)), Ok(()));
        let at = |frame, npages| (base + frame * PAGE_SIZE, npages * PAGE_SIZE);
        assert_eq!(calls(), [at(100, 400), at(500, 200), at(700, 200), at(900, 100)]);
    }

    #[test]
    fn scattered_frames_take_one_call_a_batch() {
        let (mem, _) = half(1000, 1);
        let list: Vec<Frame> = frames(0, 130).iter().rev().collect();
        let lists = RECORDING_LISTS.available().expect("always");
        // SAFETY: the recording primitive accesses no memory.
        unsafe { clear_list_with(&mem, &list, Intent::Cold, lists) }.expect("all mapped");
        assert_eq!(calls().iter().map(|call| call.1).collect::<Vec<_>>(), [64, 64, 2]);
    }
}
