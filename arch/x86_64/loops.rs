//! Contains the two loops that the store instructions share, with the list and the fence. A leaf
//! supplies the stores that fill one block, and the way to make a zero.

/// Clears one range, block by block, by stores that need no fence. `rdi` holds the address.
///
/// `clobber_abi` names every register a call may change: `vzeroupper` changes the upper halves of
/// all vector registers, not only those the leaf writes.
#[cfg(target_feature = "sse2")]
macro_rules! store_blocks {
    ($ptr:ident, $len:ident, $block:expr, zero: $zero:literal, [$($store:literal),+], end: $end:literal) => {
        core::arch::asm!(
            $zero,
            ".p2align 4",
            "2:",
            $($store,)+
            "add rdi, {block}",
            "cmp rdi, rsi",
            "jne 2b",
            $end,
            block = const $block,
            inout("rdi") $ptr => _,
            in("rsi") $ptr.wrapping_add($len),
            clobber_abi("sysv64"),
            options(nostack),
        )
    };
}

/// Clears a list of ranges of one length, block by block, by weakly ordered stores, and fences
/// once. `rax` holds the address, as `clzero` requires; `rdx` is 0 for `movnti`.
macro_rules! stream_blocks {
    ($list:ident, $n:ident, $len:ident, $block:expr, zero: $zero:literal, [$($store:literal),+], end: $end:literal) => {
        core::arch::asm!(
            $zero,
            "2:",
            "mov rax, [rsi]",
            "lea rdi, [rax + r8]",
            ".p2align 4",
            "3:",
            $($store,)+
            "add rax, {block}",
            "cmp rax, rdi",
            "jne 3b",
            "add rsi, 8",
            "dec rcx",
            "jnz 2b",
            "sfence",
            $end,
            block = const $block,
            inout("rsi") $list => _,
            inout("rcx") $n => _,
            in("r8") $len,
            out("rdi") _,
            out("rax") _,
            in("rdx") 0usize,
            clobber_abi("sysv64"),
            options(nostack),
        )
    };
}

#[cfg(target_feature = "sse2")]
pub(super) use store_blocks;
pub(super) use stream_blocks;
