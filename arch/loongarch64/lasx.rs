//! `lasx`: 32-byte vector stores.
//!
//! Assumptions
//! - Instruction: XVST (LASX, the 256-bit vector extension). Feature bit: AT_HWCAP bit 5, or the
//!   target. CPUs: LA464 (3A5000) and newer.
//! - Temporal; no fence; block 128, aligned.
//! - Naming $f0 names the whole of $vr0 and $xr0: the compiler keeps nothing there.

use super::has_lasx;
use crate::arch::require;
use crate::cpu::Feature;
use crate::primitive::{Leaf, Primitive};

const BLOCK: usize = 128;

pub(super) const PRIMITIVE: Primitive = Primitive::plain(c"lasx", || BLOCK, Leaf::Ordered(clear))
    .vector()
    .needs_feature(Some(Feature::Lasx), || require(has_lasx(), "no LASX: AT_HWCAP bit 5 is 0"));

/// # Safety
/// As for every [`Leaf`].
unsafe fn clear(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the range.
    unsafe {
        core::arch::asm!(
            "xvreplgr2vr.d $xr0, $zero",
            "2:",
            "xvst $xr0, {ptr}, 0",
            "xvst $xr0, {ptr}, 32",
            "xvst $xr0, {ptr}, 64",
            "xvst $xr0, {ptr}, 96",
            "addi.d {ptr}, {ptr}, {block}",
            "bne {ptr}, {end}, 2b",
            block = const BLOCK,
            ptr = inout(reg) ptr => _,
            end = in(reg) ptr.wrapping_add(len),
            out("$f0") _,
            options(nostack, preserves_flags),
        )
    }
}
