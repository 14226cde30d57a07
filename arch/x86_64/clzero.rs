//! `clzero`: one instruction a 64-byte line.
//!
//! Assumptions
//! - Instruction: CLZERO, the line that RAX points into (AMD APM volume 3). CPUs: AMD Zen and
//!   newer, Hygon. Feature bit: CPUID 8000_0008 EBX bit 0, which a hypervisor may mask.
//! - Non-temporal, weakly ordered: SFENCE in the same asm block.
//! - Block 64, aligned; the line is 64 bytes on every CPU that has the instruction.
//! - General registers only: legal in kernels.

use super::{cpuid, loops::stream_blocks};
use crate::cpu::Feature;
use crate::primitive::{Leaf, Primitive, RegisterFile, StoreKind, Unavailable};

const BLOCK: usize = 64;

pub(super) const PRIMITIVE: Primitive = Primitive {
    name: "clzero",
    store: StoreKind::NonTemporal,
    registers: RegisterFile::General,
    needs: Some(Feature::Clzero),
    block: || BLOCK,
    availability,
    leaf: Leaf::Weak(clear),
};

pub(super) fn availability() -> Result<(), Unavailable> {
    if cpuid::clzero() {
        Ok(())
    } else {
        Err(Unavailable { reason: "no CLZERO: CPUID 8000_0008 EBX bit 0 is 0" })
    }
}

/// # Safety
/// - `list` holds `n` addresses, `n` is not 0, each valid for writes of `len` bytes.
/// - The addresses and `len` are non-zero multiples of [`BLOCK`].
/// - This CPU has CLZERO.
unsafe fn clear(list: *const *mut u8, n: usize, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the ranges, and the fence is in the block.
    unsafe { stream_blocks!(list, n, len, BLOCK, zero: "", ["clzero"], end: "") }
}
