//! Hooks for allocators of blocks that are not a `GlobalAlloc`.

use super::flags::AllocFlags;
use super::pages::DataState;
use super::policy::policy;
use crate::intent::Intent;
use crate::raw::zero_bytes;

/// Initialises a newly allocated block of `len` bytes, of any alignment, as its flags and the policy
/// of the process require: the [truth table](super).
///
/// The intent is [`Intent::Hot`] ([why](super#hot-or-cold)). [`AllocFlags::ZERO_TAGS`] has no
/// effect: memory tags belong to frames.
///
/// # Safety
/// If `len` is not 0, `block` is valid for writes of `len` bytes, and nothing else reads or writes
/// them meanwhile.
///
/// # Panics
/// If the block is cleared and `len` is more than `isize::MAX`.
#[inline]
pub unsafe fn post_alloc(block: *mut u8, len: usize, flags: AllocFlags) -> DataState {
    let data = DataState::at_alloc(policy(), flags);
    if data == DataState::Cleared {
        // SAFETY: the caller's promise.
        unsafe { zero_bytes(block, len, Intent::Hot) };
    }
    data
}

/// Clears a block of `len` bytes, of any alignment, that is being freed, if the policy of the
/// process has `on_free`. The intent is [`Intent::Hot`] ([why](super#hot-or-cold)).
/// [`AllocFlags::KNOWN_ZERO`] skips the clear; no other flag matters.
///
/// # Safety
/// As [`post_alloc`].
///
/// # Panics
/// As [`post_alloc`].
#[inline]
pub unsafe fn free_prepare(block: *mut u8, len: usize, flags: AllocFlags) -> DataState {
    let data = DataState::at_free(policy(), flags);
    if data == DataState::Cleared {
        // SAFETY: the caller's promise.
        unsafe { zero_bytes(block, len, Intent::Hot) };
    }
    data
}
