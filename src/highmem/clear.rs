//! Clears frames, whether they are mapped permanently, temporarily or in a mix of both.

use core::fmt;
use core::ptr::NonNull;

use super::tag::{self, Tag, TagState};
use super::{Frame, FrameRange, Highmem, Mapping};
use crate::door::{Clear, zero};
use crate::intent::Intent;
use crate::page::{PAGE_SHIFT, PAGE_SIZE, Page};
use crate::plan::primitive_for;
use crate::primitive::{AvailablePrimitive, usable};
use crate::raw::clear_list;

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
#[inline]
pub unsafe fn clear_highpage<M: Highmem>(
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
#[doc(alias("clear_highpages_kasan_tagged", "clear_highpage_kasan_tagged", "kernel_init_pages"))]
#[inline]
pub unsafe fn clear_highpages<M: Highmem>(
    mem: &M,
    frames: FrameRange,
    intent: Intent,
) -> Result<(), ClearError<M::Error>> {
    // On 32-bit targets the frames may be longer than the address space.
    let len = usize::try_from(frames.npages() << PAGE_SHIFT).unwrap_or(usize::MAX);
    // SAFETY: the caller's promise.
    unsafe { clear_with(mem, frames, primitive_for(intent, len)) }
}

/// # Safety
/// As [`clear_highpages`].
#[inline]
unsafe fn clear_with<M: Highmem>(
    mem: &M,
    frames: FrameRange,
    primitive: AvailablePrimitive,
) -> Result<(), ClearError<M::Error>> {
    let clear = |pages: NonNull<Page>, npages: usize| {
        let (pages, len) = (tag::strip(pages.as_ptr()).cast(), npages << PAGE_SHIFT);
        // SAFETY: the mapper promises that these are the frames, and the caller that it may
        // overwrite them; a page is a multiple of every block.
        unsafe { zero(Clear::Blocks(primitive, pages, len)) }
    };
    for_each_mapping(mem, frames, clear)
}

/// Calls `with` for each contiguous mapping of `frames`, in order.
#[inline]
fn for_each_mapping<M: Highmem>(
    mem: &M,
    frames: FrameRange,
    mut with: impl FnMut(NonNull<Page>, usize),
) -> Result<(), ClearError<M::Error>> {
    if frames.is_empty() {
        return Ok(());
    }
    match mem.page_address(frames) {
        Some(pages) if pages.len() as u64 == frames.npages() => {
            with(pages.cast(), pages.len());
            Ok(())
        }
        first => in_parts(mem, frames, first, &mut with),
    }
}

/// Does the work of [`for_each_mapping`] if not all frames are in one permanent mapping; `first` is
/// the mapped prefix. Out of line, to keep the path of a permanently mapped page short.
#[cold]
#[inline(never)]
fn in_parts<M: Highmem>(
    mem: &M,
    frames: FrameRange,
    first: Option<NonNull<[Page]>>,
    with: &mut impl FnMut(NonNull<Page>, usize),
) -> Result<(), ClearError<M::Error>> {
    let (mut left, mut mapped) = (frames, first);
    loop {
        let npages = match mapped {
            Some(pages) => part(left, pages, with),
            None => {
                let mapping = mem.kmap_local(left).map_err(|source| ClearError {
                    cleared: left.start().get() - frames.start().get(),
                    frame: left.start(),
                    source,
                })?;
                part(left, mapping.pages(), with)
            }
        };
        left = left.split_at(npages).1;
        if left.is_empty() {
            return Ok(());
        }
        mapped = mem.page_address(left);
    }
}

/// Calls `with` for the mapped prefix of `frames`, and returns its length.
fn part(
    frames: FrameRange,
    pages: NonNull<[Page]>,
    with: &mut impl FnMut(NonNull<Page>, usize),
) -> u64 {
    assert_ne!(pages.len(), 0, "Highmem: a mapping of none of {frames}");
    debug_assert!(
        pages.len() as u64 <= frames.npages(),
        "Highmem: a mapping of more than {frames}"
    );
    with(pages.cast(), pages.len());
    pages.len() as u64
}

/// Zeroes frames and sets their memory tags to `to`, in one pass.
///
/// If tags are not [`supported`](tag::supported), clears for [`Intent::Auto`] and returns [`TagState::Unchanged`].
/// If the CPU supports tags but the memory is mapped without them (no `PROT_MTE` under Linux), the
/// data is zeroed and the tags are dropped. This function cannot detect that: it reports them set.
///
/// The primitive is `mte` (STZ2G, DC GZVA), regardless of a forced primitive or the tuning.
///
/// # Safety
/// As [`clear_highpages`]. In addition, pointers to the frames that have another tag are no longer
/// used.
pub unsafe fn tag_clear_highpages<M: Highmem>(
    mem: &M,
    frames: FrameRange,
    to: Tag,
) -> Result<TagState, ClearError<M::Error>> {
    let Some(mte) = usable("mte") else {
        // SAFETY: the caller's promise.
        unsafe { clear_highpages(mem, frames, Intent::Auto)? };
        return Ok(TagState::Unchanged);
    };
    for_each_mapping(mem, frames, |pages, npages| {
        let pages = tag::set(tag::strip(pages.as_ptr()), to).cast();
        // SAFETY: the mapper promises that these are the frames, and the caller that it may
        // overwrite them; a page is a multiple of every block.
        unsafe { zero(Clear::Blocks(mte, pages, npages << PAGE_SHIFT)) }
    })?;
    Ok(TagState::Set(to))
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
pub unsafe fn clear_scattered_highpages<M: Highmem>(
    mem: &M,
    frames: &[Frame],
    intent: Intent,
) -> Result<(), ClearError<M::Error>> {
    let primitive = primitive_for(intent, frames.len().saturating_mul(PAGE_SIZE));
    // SAFETY: the caller's promise.
    unsafe { clear_list_with(mem, frames, intent, primitive) }
}

/// Clears discontiguous frames with the given primitive. If it takes one range at a time, runs of
/// contiguous pages with an address use the primitive chosen for their length.
///
/// # Safety
/// As [`clear_highpages`].
unsafe fn clear_list_with<M: Highmem>(
    mem: &M,
    frames: &[Frame],
    intent: Intent,
    primitive: AvailablePrimitive,
) -> Result<(), ClearError<M::Error>> {
    let (mut batch, mut gathered) = ([NonNull::<Page>::dangling(); BATCH], 0);
    let clear = |batch: &[NonNull<Page>]| {
        // SAFETY: the mapper returned these addresses for frames that the caller may overwrite.
        unsafe { clear_list(batch, primitive, intent) }
    };
    let mut done = 0;
    while let Some(&frame) = frames.get(done) {
        if let Some(page) = mem.page_address(frame.into()) {
            // SAFETY: the address is that of a page, so it is not null without its tag either.
            let page = unsafe { NonNull::new_unchecked(tag::strip(page.as_ptr().cast())) };
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
fn run_without_address<M: Highmem>(mem: &M, list: &[Frame]) -> FrameRange {
    let follows = |pair: &&[Frame]| {
        pair[0].get() + 1 == pair[1].get() && mem.page_address(pair[1].into()).is_none()
    };
    let npages = 1 + list.windows(2).take_while(follows).count();
    FrameRange::new(list[0], npages as u64).expect("each of them is a frame")
}

#[cfg(test)]
mod tests {
    use super::super::LinearMap;
    use super::*;
    use crate::primitive::{Leaf, Primitive};
    use std::sync::Mutex;

    /// The entries of each call of the primitive, and their length in pages.
    static CALLS: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());

    /// Records its calls and accesses no memory.
    static RECORDING: Primitive = Primitive::plain(
        c"recording",
        || PAGE_SIZE,
        Leaf::Weak(|_, entries, len| CALLS.lock().unwrap().push((entries, len / PAGE_SIZE))),
    );

    #[test]
    fn a_permanent_mapping_takes_one_call_and_a_list_one_a_batch() {
        let frames = FrameRange::new(Frame::default(), 130).expect("small");
        let primitive = RECORDING.available().expect("always");
        // SAFETY: the primitive accesses no memory.
        unsafe {
            let mem = LinearMap::new(frames, NonNull::dangling());
            clear_with(&mem, frames, primitive).expect("all mapped");
            let list: Vec<Frame> = frames.iter().rev().collect();
            clear_list_with(&mem, &list, Intent::Cold, primitive).expect("all mapped");
        }
        assert_eq!(*CALLS.lock().unwrap(), [(1, 130), (64, 1), (64, 1), (2, 1)]);
    }
}
