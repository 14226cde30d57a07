//! Clearing frames: mapped for good, mapped for a moment, or each in part.

use core::fmt;
use core::ptr::NonNull;

use super::{Frame, Frames, Highmem, Mapping, tag};
use crate::dispatch::choose;
use crate::door::{Clear, zero};
use crate::intent::Intent;
use crate::page::{PAGE_SHIFT, PAGE_SIZE, Page};
use crate::primitive::Available;
use crate::scattered;

/// Why frames are not all cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClearError<E> {
    /// How many are, from the first on. The others are as they were.
    pub cleared: u64,
    /// The first that is not: it could not be mapped, or cleared in another way.
    pub frame: Frame,
    /// What the mapper said.
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
/// It could not be mapped, and is as it was.
#[inline]
pub unsafe fn clear_highpage<M: Highmem + ?Sized>(
    mem: &M,
    frame: Frame,
) -> Result<(), ClearError<M::Error>> {
    // SAFETY: the caller's promise.
    unsafe { clear_highpages(mem, frame.into(), Intent::Auto) }
}

/// Zeroes frames that follow one another, for what will be done with them next.
///
/// No frames are a no-op. Whatever happens, no mapping is left behind.
///
/// # Safety
/// The frames are the caller's to overwrite: meanwhile nobody else reads or writes them, through
/// whatever mapping.
///
/// In memory that is shared by nature, a guest's or a device's, accesses that are volatile or
/// atomic, or of no Rust code, may go on: every primitive stores by assembly or volatile writes. They
/// find each byte as it was or zero, in no order.
///
/// # Errors
/// A part of them could not be mapped; the error says how many are cleared, and the others are as
/// they were.
///
/// # Panics
/// If the mapper panics, or gives a mapping of no frame. No mapping is left behind then either.
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

/// Bytes in that many frames; they may be more than there are addresses.
#[inline]
fn bytes(npages: u64) -> usize {
    let len = npages << PAGE_SHIFT;
    if cfg!(target_pointer_width = "64") {
        len as usize
    } else {
        usize::try_from(len).unwrap_or(usize::MAX)
    }
}

/// [`clear_highpages`] by one primitive.
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
        // SAFETY: the mapper's promise that these are the frames, and the caller's that they are
        // the caller's; a page is a multiple of every block.
        unsafe { zero(Clear::Blocks(primitive, pages, len)) }
    };
    for_each_mapping(mem, frames, clear)
}

/// Calls `with` with each mapping that `frames` need, one after the other.
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

/// Runs of one kind, each in its own way. Out of line: what a mapping costs does not notice, and the
/// one call for a page of a permanent mapping would.
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

/// Frames without an address, as many at a time as the mapper gives; an error comes with those that
/// are left.
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

/// Addresses gathered before they are cleared with one fence: few enough for a kernel's stack, and
/// a 64th of a fence a page cannot be measured.
const BATCH: usize = 64;

/// Zeroes frames that lie anywhere, in any order, for what will be done with them next.
///
/// Those with an address are cleared as [`clear_scattered`](crate::clear_scattered) does, with one
/// fence for up to 64. Those without are mapped one after the other; where the list names some that
/// follow one another, as many at a time as the mapper gives. A frame that is listed twice is
/// cleared twice.
///
/// # Safety
/// As [`clear_highpages`].
///
/// # Errors
/// A frame could not be mapped; the error says how many of the list are cleared, from its first on.
/// The others are as they were, but for those that an earlier part of the list names too.
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

/// [`clear_scattered_highpages`] by one primitive; pages that follow one another by what suits them,
/// if it takes one range at a time.
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
        // SAFETY: addresses that the mapper gave, of frames that are the caller's.
        unsafe { scattered::clear_list(batch, primitive, intent) }
    };
    let mut done = 0;
    while let Some(&frame) = frames.get(done) {
        if let Some(page) = mem.page_address(frame.into()) {
            // SAFETY: the address of a page is not null.
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

/// Those at the start of the list that follow one another and have no address; the first one has
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

    /// Writes down what it is asked to clear.
    static RECORDING: Primitive = ROW;
    static RECORDING_LISTS: Primitive =
        Primitive { leaf: Leaf::Weak(record_list as WeakLeaf), ..ROW };

    unsafe fn record_list(list: *const *mut u8, entries: usize, _: usize) {
        CALLS.with_borrow_mut(|calls| calls.push((list.addr(), entries)));
    }

    fn calls() -> Vec<(usize, usize)> {
        CALLS.take()
    }

    /// Frames below the boundary have an address; those above are mapped `window` at a time.
    struct Half {
        linear: LinearMap,
        boundary: u64,
        window: usize,
    }

    struct Held(NonNull<[Page]>);

    // SAFETY: pages of the linear map, for as long as anybody.
    unsafe impl Mapping for Held {
        fn pages(&self) -> NonNull<[Page]> {
            self.0
        }
    }

    // SAFETY: as the linear map.
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
        // SAFETY: nothing is ever touched: the primitive only writes down.
        let linear = unsafe { LinearMap::new(frames, base) };
        (Half { linear, boundary, window }, base.addr().get())
    }

    fn frames(start: u64, npages: u64) -> Frames {
        Frames::new(Frame::new(start).expect("small"), npages).expect("small")
    }

    fn clear(mem: &Half, frames: Frames) -> Result<(), ClearError<()>> {
        let recording = RECORDING.available().expect("always");
        // SAFETY: nothing is touched.
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

    /// The mapper's promise is about this address. What tags AArch64 ignores is fixed by the system;
    /// ASan looks at its shadow of the address, which not every one has.
    #[test]
    #[cfg(not(any(
        clearpage_asan,
        all(target_arch = "aarch64", target_pointer_width = "64", not(miri))
    )))]
    fn a_clear_lands_at_the_address_that_the_mapper_gave() {
        for bit in PAGE_SHIFT..usize::BITS {
            let address = 1 << bit;
            let base = NonNull::new(core::ptr::without_provenance_mut(address)).expect("not 0");
            // SAFETY: nothing is ever touched: the primitive only writes down.
            let linear = unsafe { LinearMap::new(frames(0, 1), base) };
            assert_eq!(clear(&Half { linear, boundary: 1, window: 1 }, frames(0, 1)), Ok(()));
            assert_eq!(calls(), [(address, PAGE_SIZE)]);
            assert_eq!(tag::reset(base.as_ptr()), base.as_ptr());
        }
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
        // SAFETY: nothing is touched.
        unsafe { clear_list_with(&mem, &list, Intent::Cold, lists) }.expect("all mapped");
        assert_eq!(calls().iter().map(|call| call.1).collect::<Vec<_>>(), [64, 64, 2]);
    }
}
