//! `movnti`: 8-byte non-temporal stores from a general register.
//!
//! Assumptions
//! - Instruction: MOVNTI. CPUs: all x86_64.
//! - Non-temporal, weakly ordered (Intel SDM volume 1, 10.4.6.2): SFENCE in the same asm block.
//! - Block 64, aligned: a write-combining buffer that is filled whole leaves in one transfer.
//! - General registers only: legal in kernels.

use super::loops::stream_blocks;
use crate::primitive::{Leaf, Primitive, RegisterFile, StoreKind};

const BLOCK: usize = 64;

pub(super) const PRIMITIVE: Primitive = Primitive {
    name: "movnti",
    store: StoreKind::NonTemporal,
    registers: RegisterFile::General,
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
        stream_blocks!(list, n, len, BLOCK, zero: "", [
            "movnti [rax], rdx",
            "movnti [rax + 8], rdx",
            "movnti [rax + 16], rdx",
            "movnti [rax + 24], rdx",
            "movnti [rax + 32], rdx",
            "movnti [rax + 40], rdx",
            "movnti [rax + 48], rdx",
            "movnti [rax + 56], rdx"
        ], end: "")
    }
}
