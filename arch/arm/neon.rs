//! `neon`: four 8-byte vector registers a store.
//!
//! Assumptions
//! - Instruction: VST1.64 of d0 to d3 (Arm ARM DDI 0406C, A8.8.404), its address declared to be a
//!   multiple of 32, which spares some CPUs a cycle. Feature bit: AT_HWCAP bit 12. CPUs: ARMv7-A
//!   with Advanced SIMD, all of ARMv8.
//! - Temporal; no fence; block 128, aligned: a declared alignment that does not hold faults.
//! - Its registers are saved: a target of soft floats has NEON too, but no name for them.

use super::has_neon;
use crate::arch::require;
use crate::cpu::Feature;
use crate::primitive::{Leaf, Primitive};

const BLOCK: usize = 128;

pub(super) const PRIMITIVE: Primitive = Primitive::plain(c"neon", || BLOCK, Leaf::Ordered(clear))
    .vector()
    .needs_feature(Some(Feature::Neon), || require(has_neon(), "no NEON: AT_HWCAP bit 12 is 0"));

/// # Safety
/// As for every [`Leaf`].
unsafe fn clear(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the range.
    unsafe {
        core::arch::asm!(
            // For the assembler: the target itself may be without NEON.
            ".fpu neon",
            "vpush {{d0, d1, d2, d3}}",
            "vmov.i32 q0, #0",
            "vmov.i32 q1, #0",
            "2:",
            "vst1.64 {{d0, d1, d2, d3}}, [r0:256]!",
            "vst1.64 {{d0, d1, d2, d3}}, [r0:256]!",
            "vst1.64 {{d0, d1, d2, d3}}, [r0:256]!",
            "vst1.64 {{d0, d1, d2, d3}}, [r0:256]!",
            "cmp r0, r1",
            "bne 2b",
            "vpop {{d0, d1, d2, d3}}",
            inout("r0") ptr => _,
            in("r1") ptr.wrapping_add(len),
        )
    }
}
