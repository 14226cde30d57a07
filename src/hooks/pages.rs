//! What a page allocator calls: when it hands frames out, and when it takes them back.

use super::crossing::hot_up_to_l2;
use super::flags::AllocFlags;
use super::policy::{InitPolicy, policy};
use crate::highmem::{
    ClearError, Frame, Frames, Highmem, Instrumentation, NotInstrumented, Unchecked,
    clear_highpages, clear_scattered_highpages, tag,
    tag::{Tag, TagState},
    tag_clear_highpages,
};
use crate::intent::Intent;
use crate::page::PAGE_SHIFT;

/// The hooks of a page allocator over the memory `mem`, and a checker that looks away while frames
/// are initialised.
///
/// ```
/// use clearpage::hooks::{AllocFlags, Data, InitPolicy, PageHooks};
/// use clearpage::highmem::{Frame, Frames, LinearMap};
/// use clearpage::Page;
/// use core::ptr::NonNull;
///
/// let mut memory = vec![Page::ZERO; 8];
/// let frames = Frames::new(Frame::new(0).unwrap(), 8).unwrap();
/// // SAFETY: `memory` is mapped as long as the map is used, and the map alone uses it.
/// let map = unsafe { LinearMap::new(frames, NonNull::from(&mut memory[..]).cast()) };
/// let hooks = PageHooks::new(map).with_policy(InitPolicy::ON_ALLOC);
///
/// let block = frames.split_at(4).0;
/// // SAFETY: the block was free, and is nobody else's yet.
/// let done = unsafe { hooks.post_alloc(block, AllocFlags::NONE) }.unwrap();
/// assert_eq!(done.data, Data::Cleared);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PageHooks<M, I = NotInstrumented> {
    mem: M,
    checker: I,
    /// `None` is the policy of the process.
    policy: Option<InitPolicy>,
}

/// What a hook did, and what the frames are afterwards: two facts, of which neither follows from
/// the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a hook that skipped the clear has left what was there"]
pub struct Done {
    /// Whether the data was cleared.
    pub data: Data,
    /// Whether the memory's tags were set.
    pub tags: TagState,
}

/// What was done to the data of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Data {
    /// It is zero now.
    Cleared,
    /// It is as it was.
    Left(Why),
}

/// Why data was not cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// It is zero already: [`AllocFlags::KNOWN_ZERO`].
    KnownZero,
    /// Neither the caller nor the policy asks.
    NotAsked,
    /// The caller clears it: [`AllocFlags::SKIP_ZERO`].
    CallerClears,
    /// The caller writes all of it: [`AllocFlags::WILL_OVERWRITE`].
    WillOverwrite,
}

impl<M: Highmem> PageHooks<M> {
    /// Over `mem`, by the policy of the process, with nobody who checks.
    pub const fn new(mem: M) -> Self {
        Self { mem, checker: NotInstrumented, policy: None }
    }
}

impl<M: Highmem, I: Instrumentation> PageHooks<M, I> {
    /// Has `checker` look away while frames are initialised.
    #[must_use]
    pub fn with_checker<J: Instrumentation>(self, checker: J) -> PageHooks<M, J> {
        PageHooks { mem: self.mem, checker, policy: self.policy }
    }

    /// By `policy`, whatever the policy of the process.
    #[must_use]
    pub fn with_policy(mut self, policy: InitPolicy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// The memory.
    pub const fn mem(&self) -> &M {
        &self.mem
    }

    fn policy(&self) -> InitPolicy {
        self.policy.unwrap_or_else(policy)
    }

    /// Makes frames that are handed out what their flags and the policy ask for: the
    /// [truth table](super).
    ///
    /// The whole block takes one call of the primitive where it has an address. Up to the size of
    /// the second-level cache that is for [`Intent::Hot`]: whoever allocates will use it soon.
    /// Longer blocks are cleared for [`Intent::Cold`]: they would push each other, and what the
    /// program works with, out of the cache before they are used.
    ///
    /// With [`AllocFlags::ZERO_TAGS`], where memory can have tags, data and tags are zeroed in one
    /// pass, also where the data alone need not be: data that is known zero stays so, and nobody
    /// relies on other data here. Where it can have none the flag changes nothing.
    ///
    /// # Safety
    /// The frames are the caller's to overwrite: meanwhile nobody else reads or writes them. With
    /// `ZERO_TAGS`, pointers to them that have another tag are not used any more.
    ///
    /// # Errors
    /// A part of the frames could not be mapped. Those that were are as asked for, the others as
    /// they were: the allocator must not hand the block out.
    #[doc(alias = "post_alloc_hook")]
    #[doc(alias = "prep_new_page")]
    #[inline]
    pub unsafe fn post_alloc(
        &self,
        frames: Frames,
        flags: AllocFlags,
    ) -> Result<Done, ClearError<M::Error>> {
        if sets_tags(flags) {
            let _unchecked = Unchecked::new(&self.checker);
            // SAFETY: the caller's promise.
            let tags = unsafe { tag_clear_highpages(&self.mem, frames, Tag::ZERO)? };
            return Ok(Done { data: Data::Cleared, tags });
        }
        let data = Data::at_alloc(self.policy(), flags);
        if data == Data::Cleared {
            // SAFETY: the caller's promise.
            unsafe { self.init(frames, at_alloc(frames.npages()))? };
        }
        Ok(Done { data, tags: TagState::Unchanged })
    }

    /// [`post_alloc`](Self::post_alloc) of frames that lie anywhere, as a bulk allocation hands them
    /// out: those with an address take one fence for all of them, or one for 64.
    ///
    /// # Safety
    /// As [`post_alloc`](Self::post_alloc), of each of them.
    ///
    /// # Errors
    /// As [`post_alloc`](Self::post_alloc); the error counts along the list.
    #[doc(alias = "alloc_pages_bulk")]
    pub unsafe fn post_alloc_scattered(
        &self,
        frames: &[Frame],
        flags: AllocFlags,
    ) -> Result<Done, ClearError<M::Error>> {
        if sets_tags(flags) {
            let _unchecked = Unchecked::new(&self.checker);
            for (cleared, &frame) in (0..).zip(frames) {
                // SAFETY: the caller's promise.
                let set = unsafe { tag_clear_highpages(&self.mem, frame.into(), Tag::ZERO) };
                let _ = set.map_err(|error| ClearError { cleared, ..error })?;
            }
            return Ok(Done { data: Data::Cleared, tags: TagState::Set(Tag::ZERO) });
        }
        let data = Data::at_alloc(self.policy(), flags);
        if data == Data::Cleared {
            // SAFETY: the caller's promise.
            unsafe { self.init_list(frames, at_alloc(frames.len() as u64))? };
        }
        Ok(Done { data, tags: TagState::Unchanged })
    }

    /// Clears frames that are taken back, if the policy asks for it, for [`Intent::Cold`]: nobody
    /// will read them. [`AllocFlags::KNOWN_ZERO`] says that the user never wrote them, and excuses
    /// the clear; no other flag matters.
    ///
    /// # Safety
    /// The frames are the caller's to overwrite: meanwhile nobody else reads or writes them.
    ///
    /// # Errors
    /// A part of the frames could not be mapped; it still holds what the user left.
    #[doc(alias = "free_pages_prepare")]
    #[inline]
    pub unsafe fn free_prepare(
        &self,
        frames: Frames,
        flags: AllocFlags,
    ) -> Result<Done, ClearError<M::Error>> {
        let data = Data::at_free(self.policy(), flags);
        if data == Data::Cleared {
            // SAFETY: the caller's promise.
            unsafe { self.init(frames, Intent::Cold)? };
        }
        Ok(Done { data, tags: TagState::Unchanged })
    }

    /// [`free_prepare`](Self::free_prepare) of frames that lie anywhere: a fence for all of them, or
    /// one for 64.
    ///
    /// # Safety
    /// As [`free_prepare`](Self::free_prepare), of each of them.
    ///
    /// # Errors
    /// As [`free_prepare`](Self::free_prepare); the error counts along the list.
    #[doc(alias = "free_unref_page_list")]
    pub unsafe fn free_prepare_scattered(
        &self,
        frames: &[Frame],
        flags: AllocFlags,
    ) -> Result<Done, ClearError<M::Error>> {
        let data = Data::at_free(self.policy(), flags);
        if data == Data::Cleared {
            // SAFETY: the caller's promise.
            unsafe { self.init_list(frames, Intent::Cold)? };
        }
        Ok(Done { data, tags: TagState::Unchanged })
    }

    /// Clears frames whatever the policy: the batch path. One call for all that have an address,
    /// under one guard of the checker.
    ///
    /// # Safety
    /// As [`post_alloc`](Self::post_alloc).
    ///
    /// # Errors
    /// As [`post_alloc`](Self::post_alloc).
    #[doc(alias = "kernel_init_pages")]
    #[inline]
    pub unsafe fn init_pages(&self, frames: Frames) -> Result<(), ClearError<M::Error>> {
        // SAFETY: the caller's promise.
        unsafe { self.init(frames, at_alloc(frames.npages())) }
    }

    /// [`init_pages`](Self::init_pages) of frames that lie anywhere.
    ///
    /// # Safety
    /// As [`post_alloc`](Self::post_alloc), of each of them.
    ///
    /// # Errors
    /// As [`post_alloc`](Self::post_alloc); the error counts along the list.
    pub unsafe fn init_scattered(&self, frames: &[Frame]) -> Result<(), ClearError<M::Error>> {
        // SAFETY: the caller's promise.
        unsafe { self.init_list(frames, at_alloc(frames.len() as u64)) }
    }

    /// # Safety
    /// As [`clear_highpages`].
    #[inline]
    unsafe fn init(&self, frames: Frames, intent: Intent) -> Result<(), ClearError<M::Error>> {
        let _unchecked = Unchecked::new(&self.checker);
        // SAFETY: the caller's promise.
        unsafe { clear_highpages(&self.mem, frames, intent) }
    }

    /// # Safety
    /// As [`clear_highpages`], of each of them.
    unsafe fn init_list(
        &self,
        frames: &[Frame],
        intent: Intent,
    ) -> Result<(), ClearError<M::Error>> {
        let _unchecked = Unchecked::new(&self.checker);
        // SAFETY: the caller's promise.
        unsafe { clear_scattered_highpages(&self.mem, frames, intent) }
    }
}

/// What an allocation of so many pages is cleared for.
#[inline]
fn at_alloc(npages: u64) -> Intent {
    hot_up_to_l2(npages << PAGE_SHIFT)
}

/// Whether the memory's tags are to be set, and can be.
#[inline]
fn sets_tags(flags: AllocFlags) -> bool {
    flags.contains(AllocFlags::ZERO_TAGS) && tag::supported()
}

impl Data {
    /// The [truth table](super), with the reason.
    const fn at_alloc(policy: InitPolicy, flags: AllocFlags) -> Self {
        if policy.wants_init_on_alloc(flags) {
            Self::Cleared
        } else if flags.contains(AllocFlags::KNOWN_ZERO) {
            Self::Left(Why::KnownZero)
        } else if !policy.on_alloc {
            Self::Left(Why::NotAsked)
        } else if flags.contains(AllocFlags::SKIP_ZERO) {
            Self::Left(Why::CallerClears)
        } else {
            Self::Left(Why::WillOverwrite)
        }
    }

    const fn at_free(policy: InitPolicy, flags: AllocFlags) -> Self {
        if !policy.on_free {
            Self::Left(Why::NotAsked)
        } else if flags.contains(AllocFlags::KNOWN_ZERO) {
            Self::Left(Why::KnownZero)
        } else {
            Self::Cleared
        }
    }
}
