//! `movntdq`: 16-byte non-temporal stores.
//!
//! Assumptions
//! - Instruction: MOVNTDQ xmm. CPUs: all x86_64; part of the base ABI.
//! - Non-temporal, weakly ordered (Intel SDM volume 1, 10.4.6.2): SFENCE in the same asm block.
//! - Block 64, aligned: a write-combining buffer that is filled whole leaves in one transfer.
//! - Vector registers: compiled in only where the target has SSE2, not in kernels.

use super::loops::stream_blocks;
use crate::primitive::{Leaf, Primitive, RegisterFile, StoreKind};

const BLOCK: usize = 64;

pub(super) const PRIMITIVE: Primitive = Primitive {
    name: "movntdq",
    store: StoreKind::NonTemporal,
    registers: RegisterFile::Vector,
    needs: None,
    block: || BLOCK,
    availability: || Ok(()),
    leaf: Leaf::Weak(clear),
};

/// # Safety
/// - `list` holds `n` addresses, `n` is not 0, each valid for writes of `len` bytes.
/// - The addresses and `len` are non-zero multiples of [`BLOCK`].
unsafe fn clear(list: *const *mut u8, n: usize, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the ranges, and the fence is in the block.
    unsafe {
        stream_blocks!(list, n, len, BLOCK, zero: "pxor xmm0, xmm0", [
            "movntdq [rax], xmm0",
            "movntdq [rax + 16], xmm0",
            "movntdq [rax + 32], xmm0",
            "movntdq [rax + 48], xmm0"
        ], end: "")
    }
}
