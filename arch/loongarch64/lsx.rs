//! `lsx`: 16-byte vector stores.
//!
//! Assumptions
//! - Instruction: VST (LSX, the 128-bit vector extension). Feature bit: AT_HWCAP bit 4, or the
//!   target. CPUs: LA464 (3A5000) and newer.
//! - Temporal; no fence; block 64, aligned.
//! - Naming $f0 names the whole of $vr0 and $xr0: the compiler keeps nothing there.

use super::has_lsx;
use crate::arch::require;
use crate::cpu::Feature;
use crate::primitive::{Leaf, Primitive};

const BLOCK: usize = 64;

pub(super) const PRIMITIVE: Primitive = Primitive::plain(c"lsx", || BLOCK, Leaf::Ordered(clear))
    .vector()
    .needs_feature(Some(Feature::Lsx), || require(has_lsx(), "no LSX: AT_HWCAP bit 4 is 0"));

/// # Safety
/// As for every [`Leaf`].
unsafe fn clear(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the range.
    unsafe {
        core::arch::asm!(
            "vreplgr2vr.d $vr0, $zero",
            "2:",
            "vst $vr0, {ptr}, 0",
            "vst $vr0, {ptr}, 16",
            "vst $vr0, {ptr}, 32",
            "vst $vr0, {ptr}, 48",
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
