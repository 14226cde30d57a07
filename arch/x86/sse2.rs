//! `sse2`: 16-byte vector stores.
//!
//! Assumptions
//! - Instruction: MOVDQA (Intel SDM volume 2). Feature bit: SSE2, CPUID 1 EDX bit 26. CPUs:
//!   Pentium 4, K8 and newer.
//! - Temporal; no fence; block 64, aligned.

use core::arch::asm;

use super::loops::store_blocks;
use super::{SSE2, has_sse2};
use crate::primitive::{Leaf, Primitive};

const BLOCK: usize = 64;

pub(super) const PRIMITIVE: Primitive = Primitive::plain(c"sse2", || BLOCK, Leaf::Ordered(clear))
    .vector()
    .needs_feature(SSE2, has_sse2);

/// # Safety
/// As for every [`Leaf`].
unsafe fn clear(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the range.
    unsafe {
        store_blocks!(asm, ptr, len, BLOCK, zero: "pxor xmm0, xmm0", [
            "movdqa [{at}], xmm0",
            "movdqa [{at} + 16], xmm0",
            "movdqa [{at} + 32], xmm0",
            "movdqa [{at} + 48], xmm0"
        ], end: "")
    }
}
