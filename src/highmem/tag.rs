//! Handles pointer tags, address bits that the CPU does not translate, and memory tags.
//!
//! Allocators and checkers (KASAN, HWASan, MTE) store a number in a pointer. Before a range is
//! cleared its tag is stripped ([`reset`], Linux's `kasan_reset_tag`), for three reasons: a checker
//! compares the tag with its record of the memory, address arithmetic needs plain addresses, and a
//! block instruction may cover more than the owner of the pointer had in mind.
//!
//! | ISA | bits | source |
//! |---|---|---|
//! | AArch64 | 63:56, Top Byte Ignore; MTE 59:56 | Arm DDI 0487, TCR_ELx.TBI; Linux programs: on |
//! | others | none: `reset` returns its argument | |
//!
//! Bits of x86_64's Linear Address Masking are not stripped: LAM is enabled per process, and a mask
//! set at run time would change where a clear lands. The CPU ignores the bits in a clear. Pass
//! `clearpage::reset` addresses without them, because it queries the system about the address.
//!
//! Memory tags are separate: under MTE every 16 bytes of memory have a 4-bit tag that the pointer's
//! tag must match. Data and memory tags are independent: memory known to be zero may still need its
//! tags set. [`tag_clear_highpages`] zeroes the data and sets the tags in one pass.
//!
//! In a kernel a reset pointer matches every memory tag. In a program it has tag 0 and matches
//! only tag 0: to clear tagged memory there without changing its tags, hold an
//! [`Unchecked`](super::Unchecked) of [`TagChecks`].

use super::clear::for_each_mapping;
use super::{ClearError, Frames, Highmem, Instrumentation};
use crate::arch::tags;
use crate::door::{Clear, zero};
use crate::intent::Intent;
use crate::page::PAGE_SHIFT;
use crate::primitive::usable;

/// A 4-bit tag as in MTE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tag(u8);

impl Tag {
    /// The tag of fresh memory.
    pub const ZERO: Self = Self(0);

    /// Creates tag `tag`, or returns `None` above 15.
    pub const fn new(tag: u8) -> Option<Self> {
        if tag < 16 { Some(Self(tag)) } else { None }
    }

    /// Returns the tag as a number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// What a call did to the tags of the memory whose data it cleared. Data and tags are reported
/// separately, because neither being zero implies the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "whether tags were set is not known otherwise"]
pub enum TagState {
    /// The tags are unchanged, or the memory has none.
    Unchanged,
    /// All tags have this value.
    Set(Tag),
}

/// Strips the tag from a pointer, leaving the address that the CPU translates. Returns the pointer
/// unchanged on ISAs other than AArch64.
///
/// A null pointer, tagged or not, becomes null.
#[doc(alias = "kasan_reset_tag")]
#[doc(alias = "untagged_addr")]
#[inline]
pub fn reset<T>(ptr: *mut T) -> *mut T {
    ptr.map_addr(tags::untag)
}

/// Replaces the MTE tag of a pointer, bits 59:56, by `tag`. Returns the pointer unchanged on ISAs
/// other than AArch64.
#[inline]
pub fn with<T>(ptr: *mut T, tag: Tag) -> *mut T {
    ptr.map_addr(|address| tags::set_tag(address, tag.0))
}

/// Disables MTE tag checks of the current thread by PSTATE.TCO, which programs may set too. Does
/// nothing if MTE is unavailable.
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

/// Whether tags were checked before they were disabled.
#[derive(Debug)]
pub struct TagCheckState(tags::TagChecks);

/// Returns whether this system supports memory tags, which [`tag_clear_highpages`] then sets.
pub fn supported() -> bool {
    usable("mte").is_some()
}

/// Zeroes frames and sets their memory tags to `tag`, in one pass.
///
/// If tags are not [`supported`], clears for [`Intent::Auto`] and returns [`TagState::Unchanged`].
/// If the CPU supports tags but the memory is mapped without them (no `PROT_MTE` under Linux), the
/// data is zeroed and the tags are dropped. This function cannot detect that: it reports them set.
///
/// The primitive is `mte` (STZ2G, DC GZVA), regardless of a forced primitive or the tuning.
///
/// # Safety
/// As [`clear_highpages`](super::clear_highpages). In addition, pointers to the frames that have
/// another tag are no longer used.
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
        // SAFETY: the mapper promises that these are the frames, and the caller that it may
        // overwrite them; a page is a multiple of every block.
        unsafe { zero(Clear::Blocks(mte, pages, npages << PAGE_SHIFT)) }
    })?;
    Ok(TagState::Set(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_has_four_bits() {
        for number in 0..16 {
            assert_eq!(Tag::new(number).map(Tag::get), Some(number));
        }
        assert_eq!(Tag::new(16), None);
    }

    #[test]
    #[cfg(not(all(target_arch = "aarch64", target_pointer_width = "64", not(miri))))]
    fn pointers_have_no_tags_elsewhere() {
        let ptr = core::ptr::dangling_mut::<u64>();
        assert_eq!((with(ptr, Tag(5)), reset(ptr)), (ptr, ptr));
    }
}
