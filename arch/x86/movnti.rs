//! `movnti`: 4-byte non-temporal stores from a general register.
//!
//! Assumptions
//! - Instruction: MOVNTI (Intel SDM volume 2). Feature bit: SSE2, CPUID 1 EDX bit 26, though it
//!   touches no vector register. CPUs: Pentium 4, K8 and newer.
//! - Non-temporal, weakly ordered (Intel SDM volume 1, 10.4.6.2): SFENCE in the same asm block.
//! - Block 64, aligned: a write-combining buffer that is filled whole leaves in one transfer.
//! - General registers only: legal in kernels.

use super::{loops::stream_blocks, needs};
use crate::cpu::Feature;
use crate::primitive::{Leaf, Primitive, RegisterFile, StoreKind};

const BLOCK: usize = 64;

pub(super) const PRIMITIVE: Primitive = Primitive {
    name: "movnti",
    store: StoreKind::NonTemporal,
    registers: RegisterFile::General,
    needs: Some(Feature::Sse2),
    block: || BLOCK,
    availability: needs::sse2,
    leaf: Leaf::Weak(clear),
};

/// # Safety
/// - `list` holds `n` addresses, `n` is not 0, each valid for writes of `len` bytes.
/// - The addresses and `len` are non-zero multiples of [`BLOCK`].
/// - This CPU has MOVNTI.
unsafe fn clear(list: *const *mut u8, n: usize, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the ranges, and the fence is in the block.
    unsafe {
        stream_blocks!(list, n, len, BLOCK, zero: "", [
            "movnti [eax], edx",
            "movnti [eax + 4], edx",
            "movnti [eax + 8], edx",
            "movnti [eax + 12], edx",
            "movnti [eax + 16], edx",
            "movnti [eax + 20], edx",
            "movnti [eax + 24], edx",
            "movnti [eax + 28], edx",
            "movnti [eax + 32], edx",
            "movnti [eax + 36], edx",
            "movnti [eax + 40], edx",
            "movnti [eax + 44], edx",
            "movnti [eax + 48], edx",
            "movnti [eax + 52], edx",
            "movnti [eax + 56], edx",
            "movnti [eax + 60], edx"
        ])
    }
}
