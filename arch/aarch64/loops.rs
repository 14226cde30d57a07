//! Contains the two loops that the store instructions share; a leaf supplies the instruction. All
//! of these stores are ordered like any others: no fence.

/// Aligns the loop that follows. Not in COFF: its unwind information has the length of the function,
/// which LLVM cannot compute across an alignment.
#[cfg(not(any(windows, target_os = "uefi")))]
macro_rules! align_loop {
    () => {
        ".p2align 4"
    };
}
#[cfg(any(windows, target_os = "uefi"))]
macro_rules! align_loop {
    () => {
        ""
    };
}

/// Clears one range, 64 bytes a step, by stores of a pair of zero registers.
macro_rules! store_pairs {
    ($store:literal, $ptr:expr, $len:expr) => {
        core::arch::asm!(
            super::loops::align_loop!(),
            "2:",
            concat!($store, " xzr, xzr, [{at}]"),
            concat!($store, " xzr, xzr, [{at}, 16]"),
            concat!($store, " xzr, xzr, [{at}, 32]"),
            concat!($store, " xzr, xzr, [{at}, 48]"),
            "add {at}, {at}, 64",
            "cmp {at}, {end}",
            "b.ne 2b",
            at = inout(reg) $ptr => _,
            end = in(reg) $ptr.wrapping_add($len),
            options(nostack),
        )
    };
}

/// Clears one range, a block per store, with an instruction that clears the block of an address:
/// sixteen blocks a turn, then the rest one by one. A length of 0 is no store.
macro_rules! zero_blocks {
    ($extension:literal, $zero:literal, $ptr:expr, $len:expr, $block:expr) => {
        core::arch::asm!(
            $extension,
            // From here to the second label, `left` excludes the next sixteen blocks.
            "subs {left}, {left}, {block}, lsl 4",
            "b.lo 3f",
            "2:",
            ".rept 16",
            concat!($zero, ", {at}"),
            "add {at}, {at}, {block}",
            ".endr",
            "subs {left}, {left}, {block}, lsl 4",
            "b.hs 2b",
            "3:",
            "adds {left}, {left}, {block}, lsl 4",
            "b.eq 5f",
            "4:",
            concat!($zero, ", {at}"),
            "add {at}, {at}, {block}",
            "subs {left}, {left}, {block}",
            "b.ne 4b",
            "5:",
            at = inout(reg) $ptr => _,
            left = inout(reg) $len => _,
            block = in(reg) $block,
            options(nostack),
        )
    };
}

pub(super) use {align_loop, store_pairs, zero_blocks};
