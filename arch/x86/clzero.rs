//! `clzero`: one instruction a 64-byte line. Chosen on Zen 3 and if AVX2 is unavailable: on Zen 4
//! and Zen 5, streams of 32-byte stores were measured to be faster.
//!
//! Assumptions
//! - Instruction: CLZERO, the line that RAX points into (AMD APM volume 3). CPUs: AMD Zen and
//!   newer, Hygon. Feature bit: CPUID 8000_0008 EBX bit 0, which a hypervisor may mask.
//! - Non-temporal, weakly ordered: SFENCE in the same asm block.
//! - Block 64, aligned; the line is 64 bytes on every CPU that has the instruction.

use super::cpuid;
use crate::arch::require;
use crate::cpu::Feature;
use crate::primitive::{Leaf, Primitive};

const BLOCK: usize = 64;

pub(super) const PRIMITIVE: Primitive = Primitive::plain(c"clzero", || BLOCK, Leaf::Weak(clear))
    .non_temporal()
    .needs_feature(Some(Feature::Clzero), || {
        require(cpuid::clzero(), "no CLZERO: CPUID 8000_0008 EBX bit 0 is 0")
    });

/// # Safety
/// As for every [`Leaf`].
unsafe fn clear(list: *const *mut u8, n: usize, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the ranges, and the fence is in the block.
    unsafe {
        // As `stream_blocks!`, but CLZERO takes its address from RAX.
        core::arch::asm!(
            "2:",
            "mov rax, [{list}]",
            "lea {end}, [rax + {len}]",
            ".p2align 4",
            "3:",
            "clzero",
            "add rax, {block}",
            "cmp rax, {end}",
            "jne 3b",
            "add {list}, 8",
            "dec {n}",
            "jnz 2b",
            "sfence",
            block = const BLOCK,
            list = inout(reg) list => _,
            n = inout(reg) n => _,
            len = in(reg) len,
            end = out(reg) _,
            out("rax") _,
            options(nostack),
        )
    }
}
