//! `sse2`: 16-byte vector stores.
//!
//! Assumptions
//! - Instruction: MOVDQA (Intel SDM volume 2). Feature bit: SSE2, CPUID 1 EDX bit 26. CPUs:
//!   Pentium 4, K8 and newer.
//! - Temporal; no fence; block 64, aligned.
//! - Vector registers: compiled in only where the target has SSE2, not in kernels.

use super::needs;
use crate::cpu::Feature;
use crate::primitive::{Leaf, Primitive, RegisterFile, StoreKind};

const BLOCK: usize = 64;

pub(super) const PRIMITIVE: Primitive = Primitive {
    name: "sse2",
    store: StoreKind::Temporal,
    registers: RegisterFile::Vector,
    needs: Some(Feature::Sse2),
    block: || BLOCK,
    availability: needs::sse2,
    leaf: Leaf::Ordered(clear),
};

/// # Safety
/// - `ptr` is valid for writes of `len` bytes; both are non-zero multiples of [`BLOCK`].
/// - This CPU has SSE2.
unsafe fn clear(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the range.
    unsafe {
        core::arch::asm!(
            "pxor xmm0, xmm0",
            ".p2align 4",
            "2:",
            "movdqa [{ptr}], xmm0",
            "movdqa [{ptr} + 16], xmm0",
            "movdqa [{ptr} + 32], xmm0",
            "movdqa [{ptr} + 48], xmm0",
            "add {ptr}, {block}",
            "cmp {ptr}, {end}",
            "jne 2b",
            block = const BLOCK,
            ptr = inout(reg) ptr => _,
            end = in(reg) ptr.wrapping_add(len),
            out("xmm0") _,
            options(nostack),
        )
    }
}
