//! Pointer tags: bits of an address that the CPU does not translate.
//!
//! Allocators and checkers (KASAN, HWASan, MTE) keep a number in them. Before a range is cleared the
//! tag is taken off ([`reset`], Linux's `kasan_reset_tag`), for three reasons: a checker compares it
//! with what it knows of the memory, arithmetic on addresses means addresses, and an instruction
//! that goes by blocks may go by more than the pointer's owner thought of.
//!
//! | ISA | bits | source |
//! |---|---|---|
//! | AArch64 | 63:56, Top Byte Ignore; 59:56 for MTE | Arm ARM DDI 0487, TCR_ELx.TBI; Linux has it on for programs |
//! | others | none: `reset` returns its argument | |
//!
//! The bits of x86_64's Linear Address Masking are not stripped: whether a process has it enabled is
//! no constant, and a mask that could be set would move where a clear lands. The CPU ignores them in
//! a clear; `clearpage::reset` asks the system about an address and needs it without them.
//!
//! Memory tags are another thing: with MTE, memory has tags of its own, 4 bits for 16 bytes, that a
//! pointer's must match. That data is zero says nothing of them, nor they of the data: memory known
//! zero may still need its tags set. [`tag_clear_highpages`] does both in one pass.
//!
//! In a kernel a reset pointer matches every memory tag. In a program it has tag 0 and matches
//! that alone: to clear tagged memory there without touching its tags, hold an
//! [`Unchecked`](super::Unchecked) of [`TagChecks`].

use super::clear::for_each_mapping;
use super::{ClearError, Frames, Highmem, Instrumentation};
use crate::arch::tags;
use crate::door::{Clear, zero};
use crate::intent::Intent;
use crate::page::PAGE_SHIFT;
use crate::primitive::usable;

/// A tag: 4 bits, as MTE has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tag(u8);

impl Tag {
    /// What fresh memory has.
    pub const ZERO: Self = Self(0);

    /// Tag `tag`, or `None` above 15.
    pub const fn new(tag: u8) -> Option<Self> {
        if tag < 16 { Some(Self(tag)) } else { None }
    }

    /// Its number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// What a call has done to the tags of the memory whose data it cleared. Data-zero and tag-zero are
/// two facts: this is the second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "whether tags were set is not known otherwise"]
pub enum TagState {
    /// They are as they were; or there are none.
    Unchanged,
    /// All are this one.
    Set(Tag),
}

/// Strips the tag from a pointer, leaving the address that the CPU translates. On other ISAs than
/// AArch64 this is the identity.
///
/// A null pointer, tagged or not, becomes null.
#[doc(alias = "kasan_reset_tag")]
#[doc(alias = "untagged_addr")]
#[inline]
pub fn reset<T>(ptr: *mut T) -> *mut T {
    ptr.map_addr(tags::untag)
}

/// Puts `tag` where MTE looks for it, in place of what is there; elsewhere than on AArch64 there is
/// no such place, and the pointer stays as it is.
#[inline]
pub fn with<T>(ptr: *mut T, tag: Tag) -> *mut T {
    ptr.map_addr(|address| tags::set_tag(address, tag.0))
}

/// The tag checks of MTE on the current thread, as something that can look away (PSTATE.TCO, which
/// programs may set too). Where nothing checks tags it does nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct TagChecks;

impl Instrumentation for TagChecks {
    type State = TagCheckState;

    fn disable_current(&self) -> TagCheckState {
        TagCheckState(tags::TagChecks::off())
    }

    fn enable_current(&self, TagCheckState(state): TagCheckState) {
        state.restore();
    }
}

/// Whether tags were checked before.
#[derive(Debug)]
pub struct TagCheckState(tags::TagChecks);

/// Whether memory can have tags here: [`tag_clear_highpages`] sets them, then, where it has.
pub fn supported() -> bool {
    usable("mte").is_some()
}

/// Zeroes frames and sets their memory tags to `tag`, in one pass.
///
/// Where nothing has tags ([`supported`] says so) it clears for [`Intent::Auto`], and the answer is
/// [`TagState::Unchanged`]. Where the CPU has them but the memory is not mapped with them (`PROT_MTE`
/// under Linux), data is zeroed and the tags are dropped, which nobody can tell from the outside.
///
/// The primitive is `mte` (STZ2G, DC GZVA), whatever is forced or planned.
///
/// # Safety
/// As [`clear_highpages`](super::clear_highpages); and pointers to the frames that have another tag
/// are not used any more.
///
/// # Errors
/// As [`clear_highpages`](super::clear_highpages).
pub unsafe fn tag_clear_highpages<M: Highmem + ?Sized>(
    mem: &M,
    frames: Frames,
    tag: Tag,
) -> Result<TagState, ClearError<M::Error>> {
    let Some(mte) = usable("mte") else {
        // SAFETY: the caller's promise.
        unsafe { super::clear_highpages(mem, frames, Intent::Auto)? };
        return Ok(TagState::Unchanged);
    };
    for_each_mapping(mem, frames, |pages, npages| {
        let pages = with(reset(pages.as_ptr()), tag).cast();
        // SAFETY: the mapper's promise that these are the frames, and the caller's that they are
        // the caller's; a page is a multiple of every block.
        unsafe { zero(Clear::Blocks(mte, pages, npages << PAGE_SHIFT)) }
    })?;
    Ok(TagState::Set(tag))
}
