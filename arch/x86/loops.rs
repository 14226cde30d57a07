//! Contains the loop that the non-temporal stores share, with the list and the fence.

/// Clears a list of ranges of one length, block by block, by weakly ordered stores, and fences
/// once. `eax` holds the address; `edx` is 0 for `movnti`.
///
/// x86 has six registers available and LLVM may want one of them: the length turns into the end of
/// its range and back.
macro_rules! stream_blocks {
    ($list:ident, $n:ident, $len:ident, $block:expr, zero: $zero:literal, [$($store:literal),+]) => {
        core::arch::asm!(
            $zero,
            "2:",
            "mov eax, [edi]",
            "add {len}, eax",
            ".p2align 4",
            "3:",
            $($store,)+
            "add eax, {block}",
            "cmp eax, {len}",
            "jne 3b",
            "sub {len}, [edi]",
            "add edi, 4",
            "dec ecx",
            "jnz 2b",
            "sfence",
            block = const $block,
            len = inout(reg) $len => _,
            inout("edi") $list => _,
            inout("ecx") $n => _,
            out("eax") _,
            in("edx") 0usize,
            out("xmm0") _,
            options(nostack),
        )
    };
}

pub(super) use stream_blocks;
