//! Contains the two loops that the store instructions share, with the list and the fence. A leaf
//! supplies the stores that fill one block at `{at}`, and the way to make a zero.
//!
//! x86 has six general registers available and LLVM may want one of them: the loop with the list
//! turns the length into the end of its range and back.

/// Assembles with all vector registers as clobbers: `vzeroupper` changes the upper half of each.
#[cfg(target_arch = "x86_64")]
macro_rules! vector_asm {
    ($($operands:tt)+) => {
        core::arch::asm!(
            $($operands)+,
            out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _,
            out("xmm4") _, out("xmm5") _, out("xmm6") _, out("xmm7") _,
            out("xmm8") _, out("xmm9") _, out("xmm10") _, out("xmm11") _,
            out("xmm12") _, out("xmm13") _, out("xmm14") _, out("xmm15") _,
            options(nostack),
        )
    };
}

/// Assembles with the vector register that SSE2 stores use as a clobber.
#[cfg(target_arch = "x86")]
macro_rules! vector_asm {
    ($($operands:tt)+) => {
        core::arch::asm!($($operands)+, out("xmm0") _, options(nostack))
    };
}

/// Clears one range, block by block, by stores that need no fence.
#[cfg(target_feature = "sse2")]
macro_rules! store_blocks {
    ($ptr:ident, $len:ident, $block:expr, zero: $zero:literal, [$($store:literal),+], end: $end:literal) => {
        vector_asm!(
            $zero,
            ".p2align 4",
            "2:",
            $($store,)+
            "add {at}, {block}",
            "cmp {at}, {end}",
            "jne 2b",
            $end,
            block = const $block,
            at = inout(reg) $ptr => _,
            end = in(reg) $ptr.wrapping_add($len)
        )
    };
}

/// Clears a list of ranges of one length, block by block, by weakly ordered stores, and fences
/// once. `{zero}` is 0.
macro_rules! stream_blocks {
    ($list:ident, $n:ident, $len:ident, $block:expr, zero: $zero:literal, [$($store:literal),+], end: $end:literal) => {
        vector_asm!(
            $zero,
            "2:",
            "mov {at}, [{list}]",
            "add {len}, {at}",
            ".p2align 4",
            "3:",
            $($store,)+
            "add {at}, {block}",
            "cmp {at}, {len}",
            "jne 3b",
            "sub {len}, [{list}]",
            "add {list}, {word}",
            "dec {n}",
            "jnz 2b",
            "sfence",
            $end,
            "/* {zero} */",
            block = const $block,
            word = const size_of::<usize>(),
            list = inout(reg) $list => _,
            n = inout(reg) $n => _,
            len = inout(reg) $len => _,
            at = out(reg) _,
            zero = in(reg) 0usize
        )
    };
}

#[cfg(target_feature = "sse2")]
pub(super) use store_blocks;
pub(super) use {stream_blocks, vector_asm};
