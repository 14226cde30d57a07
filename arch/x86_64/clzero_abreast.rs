//! `clzero_abreast`: `clzero` on four pages in step, a line of each in turn.
//!
//! From 32 to 128 KiB four streams are 2 to 8 % ahead of one, above that level with it to within
//! a percent (Zen 5, 41 rounds interleaved, alone and beside another CPU that writes).
//!
//! Assumptions
//! - Instruction: CLZERO, the line that RAX points into (AMD APM volume 3). CPUs: AMD Zen and
//!   newer, Hygon. Feature bit: CPUID 8000_0008 EBX bit 0, which a hypervisor may mask.
//! - Non-temporal, weakly ordered: SFENCE in the same asm block.
//! - Block 64, aligned; the line is 64 bytes on every CPU that has the instruction.
//! - General registers only: legal in kernels.

use super::clzero;
use crate::primitive::{Leaf, Primitive, Registers, Store};

const BLOCK: usize = 64;

pub(super) const PRIMITIVE: Primitive = Primitive {
    name: "clzero_abreast",
    store: Store::NonTemporal,
    registers: Registers::General,
    block: || BLOCK,
    availability: clzero::availability,
    leaf: Leaf::Weak(clear),
};

/// The line at `rdx` of the pages at `rdi`, `r9`, `r10` and `r11`.
macro_rules! four_lines {
    () => {
        "lea rax, [rdi + rdx]
         clzero
         lea rax, [r9 + rdx]
         clzero
         lea rax, [r10 + rdx]
         clzero
         lea rax, [r11 + rdx]
         clzero
         add rdx, 64"
    };
}

/// # Safety
/// - `list` holds `n` addresses, `n` is not 0, each valid for writes of `len` bytes.
/// - The addresses and `len` are non-zero multiples of [`BLOCK`].
/// - This CPU has CLZERO.
unsafe fn clear(list: *const *mut u8, n: usize, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the ranges, and the fence is in the block.
    unsafe {
        core::arch::asm!(
            "cmp r8, 16384",
            "jb 6f",
            // Ranges of four pages and more, one after another, four neighbouring pages at a time.
            "2:",
            "mov rdi, [rsi]",
            "lea r12, [rdi + r8]",
            "3:",
            "lea r13, [rdi + 16384]",
            "cmp r13, r12",
            "ja 5f",
            "lea r9, [rdi + 4096]",
            "lea r10, [rdi + 8192]",
            "lea r11, [rdi + 12288]",
            "xor edx, edx",
            ".p2align 4",
            "4:",
            four_lines!(),
            "cmp rdx, 4096",
            "jne 4b",
            "mov rdi, r13",
            "jmp 3b",
            // What is left of a range.
            "5:",
            "cmp rdi, r12",
            "je 55f",
            "mov rax, rdi",
            "clzero",
            "add rdi, 64",
            "jmp 5b",
            "55:",
            "add rsi, 8",
            "dec rcx",
            "jnz 2b",
            "jmp 9f",
            // Shorter ranges, four at a time.
            "6:",
            "cmp rcx, 4",
            "jb 8f",
            "mov rdi, [rsi]",
            "mov r9, [rsi + 8]",
            "mov r10, [rsi + 16]",
            "mov r11, [rsi + 24]",
            "xor edx, edx",
            ".p2align 4",
            "7:",
            four_lines!(),
            "cmp rdx, r8",
            "jne 7b",
            "add rsi, 32",
            "sub rcx, 4",
            "jnz 6b",
            "jmp 9f",
            // What is left of the list.
            "8:",
            "mov rax, [rsi]",
            "lea r12, [rax + r8]",
            "88:",
            "clzero",
            "add rax, 64",
            "cmp rax, r12",
            "jne 88b",
            "add rsi, 8",
            "dec rcx",
            "jnz 8b",
            "9:",
            "sfence",
            inout("rsi") list => _,
            inout("rcx") n => _,
            in("r8") len,
            out("rax") _,
            out("rdx") _,
            out("rdi") _,
            out("r9") _,
            out("r10") _,
            out("r11") _,
            out("r12") _,
            out("r13") _,
            options(nostack),
        )
    }
}
