//! `movnti`: non-temporal stores of a general register, 8 or 4 bytes each.
//!
//! Assumptions
//! - Instruction: MOVNTI (Intel SDM volume 2). Feature bit: SSE2, CPUID 1 EDX bit 26, though it
//!   touches no vector register. CPUs: Pentium 4, K8 and newer.
//! - Non-temporal, weakly ordered (Intel SDM volume 1, 10.4.6.2): SFENCE in the same asm block.
//! - Block 64, aligned: a write-combining buffer that is filled whole leaves in one transfer.
//! - General registers only: legal in kernels.

use super::loops::{stream_blocks, vector_asm};
use super::{SSE2, has_sse2};
use crate::primitive::{Leaf, Primitive, RegisterFile, StoreKind};

const BLOCK: usize = 64;

pub(super) const PRIMITIVE: Primitive = Primitive {
    name: "movnti",
    store: StoreKind::NonTemporal,
    registers: RegisterFile::General,
    needs: SSE2,
    block: || BLOCK,
    availability: has_sse2,
    leaf: Leaf::Weak(clear),
};

/// # Safety
/// - `list` holds `n` addresses, `n` is not 0, each valid for writes of `len` bytes.
/// - The addresses and `len` are non-zero multiples of [`BLOCK`].
/// - This CPU has MOVNTI.
unsafe fn clear(list: *const *mut u8, n: usize, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the ranges, and the fence is in the block.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        stream_blocks!(list, n, len, BLOCK, zero: "", [
                    "movnti [{at}], {zero}",
                    "movnti [{at} + 8], {zero}",
                    "movnti [{at} + 16], {zero}",
                    "movnti [{at} + 24], {zero}",
                    "movnti [{at} + 32], {zero}",
                    "movnti [{at} + 40], {zero}",
                    "movnti [{at} + 48], {zero}",
                    "movnti [{at} + 56], {zero}"
                ], end: "");
        #[cfg(target_arch = "x86")]
        stream_blocks!(list, n, len, BLOCK, zero: "", [
                    "movnti [{at}], {zero}",
                    "movnti [{at} + 4], {zero}",
                    "movnti [{at} + 8], {zero}",
                    "movnti [{at} + 12], {zero}",
                    "movnti [{at} + 16], {zero}",
                    "movnti [{at} + 20], {zero}",
                    "movnti [{at} + 24], {zero}",
                    "movnti [{at} + 28], {zero}",
                    "movnti [{at} + 32], {zero}",
                    "movnti [{at} + 36], {zero}",
                    "movnti [{at} + 40], {zero}",
                    "movnti [{at} + 44], {zero}",
                    "movnti [{at} + 48], {zero}",
                    "movnti [{at} + 52], {zero}",
                    "movnti [{at} + 56], {zero}",
                    "movnti [{at} + 60], {zero}"
                ], end: "");
    }
}
