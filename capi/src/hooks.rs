//! Linux's `init_on_alloc` and `init_on_free` for any allocator.

use core::ffi::{c_int, c_void};

use rust::hooks::{self, AllocFlags, DataState, InitPolicy};

use crate::check;
use crate::code::{CLEARPAGE_E_FLAGS, CLEARPAGE_E_POLICY, CLEARPAGE_OK, Result, code_of};

/// What a hook returns if it cleared the memory; CLEARPAGE_OK if the memory is unchanged.
pub const CLEARPAGE_CLEARED: c_int = 1;

/// Policy: clear memory on allocation.
pub const CLEARPAGE_INIT_ON_ALLOC: u32 = 1;
/// Policy: clear memory on free.
pub const CLEARPAGE_INIT_ON_FREE: u32 = 2;

/// Flag: the caller relies on zeroed memory, as with calloc. Overrides the other flags except
/// CLEARPAGE_KNOWN_ZERO.
pub const CLEARPAGE_ZERO: u32 = 1;
/// Flag: the caller applies the policy itself.
pub const CLEARPAGE_SKIP_ZERO: u32 = 2;
/// Flag: every byte is already zero, such as memory fresh from the operating system.
pub const CLEARPAGE_KNOWN_ZERO: u32 = 8;
/// Flag: the caller writes every byte before any read.
pub const CLEARPAGE_WILL_OVERWRITE: u32 = 16;

/// Sets the policy of the process: 0, CLEARPAGE_INIT_ON_ALLOC, CLEARPAGE_INIT_ON_FREE or both.
///
/// Returns CLEARPAGE_OK, or CLEARPAGE_E_POLICY; the policy is then unchanged.
#[must_use]
#[no_mangle]
pub extern "C" fn clearpage_set_policy(policy: u32) -> c_int {
    if policy & !(CLEARPAGE_INIT_ON_ALLOC | CLEARPAGE_INIT_ON_FREE) != 0 {
        return CLEARPAGE_E_POLICY;
    }
    hooks::set_policy(InitPolicy {
        on_alloc: policy & CLEARPAGE_INIT_ON_ALLOC != 0,
        on_free: policy & CLEARPAGE_INIT_ON_FREE != 0,
    });
    CLEARPAGE_OK
}

/// Returns the policy of the process. Before clearpage_set_policy it is 0; a build with std takes it
/// from CLEARPAGE_INIT_ON_ALLOC and CLEARPAGE_INIT_ON_FREE, which are 0 or 1; see clearpage_init if
/// one is invalid.
#[no_mangle]
pub extern "C" fn clearpage_policy() -> u32 {
    let policy = hooks::policy();
    let bit = |set, bit| if set { bit } else { 0 };
    bit(policy.on_alloc, CLEARPAGE_INIT_ON_ALLOC) | bit(policy.on_free, CLEARPAGE_INIT_ON_FREE)
}

/// For an allocator to call before it returns a block of `len` bytes, of any alignment: clears it if
/// `flags` and the policy require it. The result is best for memory that is used at once. See
/// clearpage_init if a variable is invalid.
///
/// # Safety
/// `block` is valid for writes of `len` bytes.
///
/// Returns CLEARPAGE_CLEARED, or CLEARPAGE_OK if the block is unchanged. Nothing is written if
/// it returns CLEARPAGE_E_FLAGS, CLEARPAGE_E_NULL, or CLEARPAGE_E_LENGTH as clearpage_zero does.
#[must_use]
#[no_mangle]
pub unsafe extern "C" fn clearpage_post_alloc(block: *mut c_void, len: usize, flags: u32) -> c_int {
    code_of(|| {
        let flags = self::flags(flags)?;
        check(block, Some(len))?;
        // SAFETY: the caller's promise.
        Ok(done(unsafe { hooks::post_alloc(block.cast(), len, flags) }))
    })
}

/// For an allocator to call when a block of `len` bytes, of any alignment, is freed: clears it if the
/// policy has CLEARPAGE_INIT_ON_FREE, unless CLEARPAGE_KNOWN_ZERO says that it is zero. An allocator
/// that then writes to the block, such as a link of a free list, must not pass KNOWN_ZERO for it later.
///
/// # Safety
/// `block` is valid for writes of `len` bytes.
///
/// Returns what clearpage_post_alloc returns.
#[must_use]
#[no_mangle]
pub unsafe extern "C" fn clearpage_free_prepare(
    block: *mut c_void,
    len: usize,
    flags: u32,
) -> c_int {
    code_of(|| {
        let flags = self::flags(flags)?;
        check(block, Some(len))?;
        // SAFETY: the caller's promise.
        Ok(done(unsafe { hooks::free_prepare(block.cast(), len, flags) }))
    })
}

fn done(data: DataState) -> c_int {
    if data == DataState::Cleared { CLEARPAGE_CLEARED } else { CLEARPAGE_OK }
}

fn flags(mut bits: u32) -> Result<AllocFlags> {
    let mut flags = AllocFlags::NONE;
    for (bit, flag) in [
        (CLEARPAGE_ZERO, AllocFlags::ZERO),
        (CLEARPAGE_SKIP_ZERO, AllocFlags::SKIP_ZERO),
        (CLEARPAGE_KNOWN_ZERO, AllocFlags::KNOWN_ZERO),
        (CLEARPAGE_WILL_OVERWRITE, AllocFlags::WILL_OVERWRITE),
    ] {
        if bits & bit != 0 {
            flags |= flag;
            bits &= !bit;
        }
    }
    if bits == 0 { Ok(flags) } else { Err(CLEARPAGE_E_FLAGS) }
}
