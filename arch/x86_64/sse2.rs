//! `sse2`: 16-byte vector stores.
//!
//! Assumptions
//! - Instruction: MOVDQA. CPUs: all x86_64; part of the base ABI.
//! - Temporal; no fence; block 64, aligned.
//! - Vector registers: compiled in only where the target has SSE2, not in kernels.

use super::loops::store_blocks;
use crate::primitive::{Leaf, Primitive, RegisterFile, StoreKind};

const BLOCK: usize = 64;

pub(super) const PRIMITIVE: Primitive = Primitive {
    name: "sse2",
    store: StoreKind::Temporal,
    registers: RegisterFile::Vector,
    needs: None,
    block: || BLOCK,
    availability: || Ok(()),
    leaf: Leaf::Ordered(clear),
};

/// # Safety
/// - `ptr` is valid for writes of `len` bytes; both are non-zero multiples of [`BLOCK`].
unsafe fn clear(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the range.
    unsafe {
        store_blocks!(ptr, len, BLOCK, zero: "pxor xmm0, xmm0", [
            "movdqa [rdi], xmm0",
            "movdqa [rdi + 16], xmm0",
            "movdqa [rdi + 32], xmm0",
            "movdqa [rdi + 48], xmm0"
        ], end: "")
    }
}
