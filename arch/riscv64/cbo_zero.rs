//! `cbo_zero`: one instruction a cache block.
//!
//! Assumptions
//! - Instruction: CBO.ZERO, the block that the address points into (RISC-V unprivileged
//!   specification, chapter "CMO", Zicboz). CPUs: those of RVA22 and newer profiles. Feature bit:
//!   riscv_hwprobe key 4 bit 6.
//! - Temporal: the block may be allocated in caches. It is a set of stores, not necessarily one
//!   atomic store, and they are ordered as any other stores (same chapter, "Memory Ordering"): no
//!   fence.
//! - Block: as the system reports, one size for all of it; 64 in every RVA profile (Zic64b).
//! - General registers only. In kernels: S-mode may use it if firmware sets menvcfg.CBZE, U-mode if
//!   senvcfg.CBZE is set too (same chapter, "CSR State"); otherwise it is an illegal instruction.
//!   All main memory takes it; on I/O memory it may fault.

use super::hwprobe;
use crate::cpu::Feature;
use crate::primitive::{Leaf, Primitive};

/// Blocks per round of the main loop.
const ROUND: usize = 8;

// If Zicboz is unavailable, nothing clears by blocks, and any number will do.
pub(super) const PRIMITIVE: Primitive =
    Primitive::plain(c"cbo_zero", || hwprobe::BLOCK.get().unwrap_or(64), Leaf::Ordered(clear))
        .needs_feature(Some(Feature::Zicboz), || hwprobe::BLOCK.get().map(drop));

/// # Safety
/// As for every [`Leaf`].
unsafe fn clear(ptr: *mut u8, len: usize) {
    let block = hwprobe::BLOCK.get_or_exit();
    // SAFETY: the caller's promises: all stores fall into the range.
    unsafe {
        core::arch::asm!(
            ".option push",
            ".option arch, +zicboz",
            // The blocks that do not fill a round.
            "beq {ptr}, {rounds}, 3f",
            "2:",
            "cbo.zero ({ptr})",
            "add {ptr}, {ptr}, {block}",
            "bne {ptr}, {rounds}, 2b",
            "3:",
            "beq {ptr}, {end}, 5f",
            "4:",
            ".rept {round}",
            "cbo.zero ({ptr})",
            "add {ptr}, {ptr}, {block}",
            ".endr",
            "bne {ptr}, {end}, 4b",
            "5:",
            ".option pop",
            round = const ROUND,
            block = in(reg) block,
            ptr = inout(reg) ptr => _,
            rounds = in(reg) ptr.wrapping_add(len & (ROUND * block - 1)),
            end = in(reg) ptr.wrapping_add(len),
            options(nostack, preserves_flags),
        )
    }
}
