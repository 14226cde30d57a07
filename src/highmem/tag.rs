//! Handles pointer tags, address bits that the CPU does not translate, and memory tags.
//!
//! Allocators and checkers (KASAN, HWASan, MTE) store a number in a pointer. A clear of frames
//! strips it first ([`strip`], Linux's `kasan_reset_tag`): a checker compares it with its record of
//! the memory, and address arithmetic needs plain addresses.
//!
//! On AArch64 a pointer's tag is bits 63:56 (Top Byte Ignore: Arm DDI 0487, TCR_ELx.TBI, on in
//! programs under Linux), of which MTE uses 59:56. Other ISAs have none. Bits of x86_64's Linear
//! Address Masking are not stripped: the CPU ignores them in a clear. Pass `clearpage_os::reset`
//! addresses without them, because it queries the system about the address.
//!
//! Memory tags are separate: under MTE every 16 bytes of memory have a 4-bit tag that the pointer's
//! tag must match. Memory known to be zero may still need its tags set.
//! [`tag_clear_highpages`](super::tag_clear_highpages) zeroes the data and sets the tags in one pass.
//!
//! In a kernel a stripped pointer matches every memory tag. In a program it has tag 0 and matches
//! only tag 0: to clear tagged memory there without changing its tags, hold an
//! [`ChecksDisabled`](crate::checks::ChecksDisabled) of [`TagChecks`].

use crate::arch::tags;
use crate::checks::Checker;
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

/// What a call did to the tags of the memory whose data it cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "whether tags were set is not known otherwise"]
#[non_exhaustive]
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
#[doc(alias("kasan_reset_tag", "untagged_addr"))]
#[inline]
pub fn strip<T>(ptr: *mut T) -> *mut T {
    ptr.map_addr(tags::untag)
}

/// Replaces the MTE tag of a pointer, bits 59:56, by `tag`. Returns the pointer unchanged on ISAs
/// other than AArch64.
#[inline]
pub fn set<T>(ptr: *mut T, tag: Tag) -> *mut T {
    ptr.map_addr(|address| tags::set_tag(address, tag.0))
}

/// Disables MTE tag checks of the current thread by PSTATE.TCO, which programs may set too. Does
/// nothing if MTE is unavailable.
#[derive(Clone, Copy, Debug, Default)]
pub struct TagChecks;

impl Checker for TagChecks {
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

/// Returns whether this system supports memory tags, which [`tag_clear_highpages`](super::tag_clear_highpages) then sets.
pub fn supported() -> bool {
    usable("mte").is_some()
}
