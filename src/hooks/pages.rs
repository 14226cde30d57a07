//! Hooks for a page allocator to call when it allocates and frees frames.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::flags::AllocFlags;
use super::policy::{InitPolicy, policy};
use crate::checks::{Checker, ChecksDisabled, NoChecker};
use crate::cpu::caches;
use crate::highmem::tag::{self, Tag, TagState};
use crate::highmem::{
    ClearError, Frame, FrameRange, Highmem, clear_highpages, clear_scattered_highpages,
    tag_clear_highpages,
};
use crate::intent::Intent;
use crate::page::PAGE_SHIFT;

/// Initialisation hooks of a page allocator over the memory `mem`, with a checker that is disabled
/// while frames are initialised.
///
/// ```
/// use clearpage::hooks::{AllocFlags, DataState, InitPolicy, PageHooks};
/// use clearpage::highmem::{Frame, FrameRange, LinearMap};
/// use clearpage::Page;
/// use core::ptr::NonNull;
///
/// let mut memory = vec![Page::ZERO; 8];
/// let frames = FrameRange::new(Frame::new(0).unwrap(), 8).unwrap();
/// // SAFETY: `memory` is mapped as long as the map is used, and the map alone uses it.
/// let map = unsafe { LinearMap::new(frames, NonNull::from(&mut memory[..]).cast()) };
/// let hooks = PageHooks::new(map).with_policy(InitPolicy::ON_ALLOC);
///
/// let block = frames.split_at(4).0;
/// // SAFETY: the block was free, and nothing else uses it yet.
/// let done = unsafe { hooks.post_alloc(block, AllocFlags::NONE) }.unwrap();
/// assert_eq!(done.data, DataState::Cleared);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PageHooks<M, I = NoChecker> {
    mem: M,
    checker: I,
    /// `None` selects the policy of the process.
    policy: Option<InitPolicy>,
}

/// What a hook did to the data and to the memory tags of the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a hook that skipped the clear has left what was there"]
#[non_exhaustive]
pub struct InitOutcome {
    /// Whether the data was cleared.
    pub data: DataState,
    /// Whether the memory tags were set.
    pub tags: TagState,
}

/// What a hook did to the data of the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataState {
    /// The data is now zero.
    Cleared,
    /// The data is unchanged.
    Left(SkipReason),
}

/// The reason that data was not cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SkipReason {
    /// The data is already zero: [`AllocFlags::KNOWN_ZERO`].
    KnownZero,
    /// Neither the caller nor the policy requests a clear.
    NotAsked,
    /// The caller clears the data: [`AllocFlags::SKIP_ZERO`].
    CallerClears,
    /// The caller overwrites all data: [`AllocFlags::WILL_OVERWRITE`].
    WillOverwrite,
}

impl<M: Highmem> PageHooks<M> {
    /// Creates hooks over `mem`, with the policy of the process and without a checker.
    pub const fn new(mem: M) -> Self {
        Self::with_checker(mem, NoChecker)
    }
}

impl<M: Highmem, I: Checker> PageHooks<M, I> {
    /// Creates hooks over `mem`, with the policy of the process, that disable `checker` while frames
    /// are initialised.
    pub const fn with_checker(mem: M, checker: I) -> Self {
        Self { mem, checker, policy: None }
    }

    /// Applies `policy` to all calls, regardless of the policy of the process.
    #[must_use]
    pub const fn with_policy(mut self, policy: InitPolicy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Returns the memory.
    pub const fn mem(&self) -> &M {
        &self.mem
    }

    fn policy(&self) -> InitPolicy {
        self.policy.unwrap_or_else(policy)
    }

    /// Initialises newly allocated frames as their flags and the policy require: the
    /// [truth table](super).
    ///
    /// If the frames have an address, one call of the primitive clears them all. The intent follows
    /// from their number: [Hot or Cold](super#hot-or-cold).
    ///
    /// If [`AllocFlags::ZERO_TAGS`] is passed and memory can have tags, data and tags are zeroed in
    /// one pass, even if the data alone would be left: data that is known zero stays zero, and no
    /// other data matters here. If memory cannot have tags, the flag has no effect.
    ///
    /// # Safety
    /// The caller may overwrite the frames, and nothing else reads or writes them meanwhile. With
    /// `ZERO_TAGS`, pointers to the frames that have another tag are no longer used.
    ///
    /// # Errors
    /// A frame could not be mapped. Those before it are initialised, it and those after it are
    /// unchanged. The allocator must not return the block: it puts it back on its free list, and
    /// fails the allocation as if no memory were free.
    #[doc(alias("post_alloc_hook", "prep_new_page"))]
    #[inline]
    pub unsafe fn post_alloc(
        &self,
        frames: FrameRange,
        flags: AllocFlags,
    ) -> Result<InitOutcome, ClearError<M::Error>> {
        if sets_tags(flags) {
            let _unchecked = ChecksDisabled::new(&self.checker);
            // SAFETY: the caller's promise.
            let tags = unsafe { tag_clear_highpages(&self.mem, frames, Tag::ZERO)? };
            return Ok(InitOutcome { data: DataState::Cleared, tags });
        }
        // SAFETY: the caller's promise.
        DataState::at_alloc(self.policy(), flags).apply(|| unsafe { self.init(frames) })
    }

    /// Initialises discontiguous frames of a bulk allocation, as [`post_alloc`](Self::post_alloc)
    /// does. Frames that have an address share one fence per batch of up to 64. An error counts
    /// frames in list order.
    ///
    /// # Safety
    /// As [`post_alloc`](Self::post_alloc), for each frame.
    #[doc(alias = "alloc_pages_bulk")]
    pub unsafe fn post_alloc_scattered(
        &self,
        frames: &[Frame],
        flags: AllocFlags,
    ) -> Result<InitOutcome, ClearError<M::Error>> {
        if sets_tags(flags) {
            let _unchecked = ChecksDisabled::new(&self.checker);
            for (cleared, &frame) in (0..).zip(frames) {
                // SAFETY: the caller's promise.
                let set = unsafe { tag_clear_highpages(&self.mem, frame.into(), Tag::ZERO) };
                let _ = set.map_err(|error| ClearError { cleared, ..error })?;
            }
            return Ok(InitOutcome { data: DataState::Cleared, tags: TagState::Set(Tag::ZERO) });
        }
        // SAFETY: the caller's promise.
        DataState::at_alloc(self.policy(), flags).apply(|| unsafe { self.init_list(frames) })
    }

    /// Clears frames that are being freed, if the policy has `on_free`. [`AllocFlags::KNOWN_ZERO`]
    /// skips the clear, because it asserts that the frames were never written. No other flag
    /// matters.
    ///
    /// # Safety
    /// The caller may overwrite the frames, and nothing else reads or writes them meanwhile.
    ///
    /// # Errors
    /// A frame could not be mapped: it and those after it still hold their user's data. Do not reuse
    /// them before a later call clears them.
    #[doc(alias = "free_pages_prepare")]
    #[inline]
    pub unsafe fn free_prepare(
        &self,
        frames: FrameRange,
        flags: AllocFlags,
    ) -> Result<InitOutcome, ClearError<M::Error>> {
        // SAFETY: the caller's promise.
        DataState::at_free(self.policy(), flags).apply(|| unsafe { self.init(frames) })
    }

    /// Clears discontiguous frames that are being freed, as [`free_prepare`](Self::free_prepare)
    /// does. Frames that have an address share one fence per batch of up to 64. An error counts
    /// frames in list order.
    ///
    /// # Safety
    /// As [`free_prepare`](Self::free_prepare), for each frame.
    #[doc(alias = "free_unref_page_list")]
    pub unsafe fn free_prepare_scattered(
        &self,
        frames: &[Frame],
        flags: AllocFlags,
    ) -> Result<InitOutcome, ClearError<M::Error>> {
        // SAFETY: the caller's promise.
        DataState::at_free(self.policy(), flags).apply(|| unsafe { self.init_list(frames) })
    }

    /// Clears frames regardless of the policy. Each run with an address takes one call of the
    /// primitive, and the checker is disabled once for all frames.
    ///
    /// # Safety
    /// As [`post_alloc`](Self::post_alloc).
    #[doc(alias = "kernel_init_pages")]
    #[inline]
    pub unsafe fn init_pages(&self, frames: FrameRange) -> Result<(), ClearError<M::Error>> {
        // SAFETY: the caller's promise.
        unsafe { self.init(frames) }
    }

    /// # Safety
    /// As [`clear_highpages`].
    #[inline]
    unsafe fn init(&self, frames: FrameRange) -> Result<(), ClearError<M::Error>> {
        let intent = hot_up_to_l2(frames.npages() << PAGE_SHIFT);
        let _unchecked = ChecksDisabled::new(&self.checker);
        // SAFETY: the caller's promise.
        unsafe { clear_highpages(&self.mem, frames, intent) }
    }

    /// # Safety
    /// As [`clear_highpages`], for each frame.
    unsafe fn init_list(&self, frames: &[Frame]) -> Result<(), ClearError<M::Error>> {
        let intent = hot_up_to_l2((frames.len() as u64) << PAGE_SHIFT);
        let _unchecked = ChecksDisabled::new(&self.checker);
        // SAFETY: the caller's promise.
        unsafe { clear_scattered_highpages(&self.mem, frames, intent) }
    }
}

/// Returns Hot up to the size of the second-level cache, Cold above it.
#[inline]
fn hot_up_to_l2(bytes: u64) -> Intent {
    /// The size, or 0 before the first call. CPUID is slow, more so in a virtual machine.
    static L2: AtomicUsize = AtomicUsize::new(0);
    #[cold]
    fn ask() -> usize {
        // If the size is unknown, assume 1 MiB, which is common on server CPUs.
        let l2 = if caches().l2 == 0 { 1 << 20 } else { caches().l2 };
        L2.store(l2, Relaxed);
        l2
    }
    let l2 = match L2.load(Relaxed) {
        0 => ask(),
        l2 => l2,
    };
    if bytes <= l2 as u64 { Intent::Hot } else { Intent::Cold }
}

#[inline]
fn sets_tags(flags: AllocFlags) -> bool {
    flags.contains(AllocFlags::ZERO_TAGS) && tag::supported()
}

impl DataState {
    /// Clears the data if this is the outcome for it.
    #[inline]
    fn apply<E>(self, clear: impl FnOnce() -> Result<(), E>) -> Result<InitOutcome, E> {
        if self == Self::Cleared {
            clear()?;
        }
        Ok(InitOutcome { data: self, tags: TagState::Unchanged })
    }

    /// Implements the [truth table](super), including the reason.
    pub(super) const fn at_alloc(policy: InitPolicy, flags: AllocFlags) -> Self {
        if policy.wants_init_on_alloc(flags) {
            Self::Cleared
        } else if flags.contains(AllocFlags::KNOWN_ZERO) {
            Self::Left(SkipReason::KnownZero)
        } else if !policy.on_alloc {
            Self::Left(SkipReason::NotAsked)
        } else if flags.contains(AllocFlags::SKIP_ZERO) {
            Self::Left(SkipReason::CallerClears)
        } else {
            Self::Left(SkipReason::WillOverwrite)
        }
    }

    pub(super) const fn at_free(policy: InitPolicy, flags: AllocFlags) -> Self {
        if !policy.on_free {
            Self::Left(SkipReason::NotAsked)
        } else if flags.contains(AllocFlags::KNOWN_ZERO) {
            Self::Left(SkipReason::KnownZero)
        } else {
            Self::Cleared
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_up_to_the_second_level_cache_are_hot() {
        let l2 = if caches().l2 == 0 { 1 << 20 } else { caches().l2 as u64 };
        // The second call finds the size that the first one stored.
        for _ in 0..2 {
            assert_eq!([1, l2, l2 + 1].map(hot_up_to_l2), [Intent::Hot, Intent::Hot, Intent::Cold]);
        }
    }
}
