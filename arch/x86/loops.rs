//! Contains the two loops that the store instructions share, with the list and the fence. A leaf
//! supplies the stores that fill one block at `{at}`, and the way to make a zero. `$asm` is `asm`,
//! or a macro that adds operands.

/// Clears one range, block by block, by stores that need no fence.
#[cfg(target_feature = "sse2")]
macro_rules! store_blocks {
    (
        $asm:ident, $ptr:ident, $len:ident, $block:expr,
        zero: $zero:literal, [$($store:literal),+], end: $end:literal
    ) => {
        $asm!(
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
            end = in(reg) $ptr.wrapping_add($len),
            out("xmm0") _,
            options(nostack),
        )
    };
}

/// Clears a list of ranges of one length, block by block, by weakly ordered stores, and fences
/// once. `{zero}` is a register of zeroes, for `movnti`.
///
/// 32-bit x86 has six registers available and LLVM may want one of them: the length turns into the
/// end of its range and back.
macro_rules! stream_blocks {
    (
        $asm:ident, $list:ident, $n:ident, $len:ident, $block:expr,
        zero: $zero:literal, [$($store:literal),+], end: $end:literal
    ) => {
        $asm!(
            "/* {zero} is 0 */",
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
            "add {list}, {pointer}",
            "dec {n}",
            "jnz 2b",
            "sfence",
            $end,
            block = const $block,
            pointer = const size_of::<usize>(),
            zero = in(reg) 0usize,
            at = out(reg) _,
            list = inout(reg) $list => _,
            n = inout(reg) $n => _,
            len = inout(reg) $len => _,
            out("xmm0") _,
            options(nostack),
        )
    };
}

#[cfg(target_feature = "sse2")]
pub(super) use store_blocks;
pub(super) use stream_blocks;
