//! `st_d`: 8-byte stores of the zero register.
//!
//! Assumptions
//! - Instruction: ST.D (LoongArch Reference Manual volume 1, 2.2.5.1). CPUs: all of LA64.
//! - Temporal; no fence; block 64, aligned: a line, and no store needs the unaligned access that
//!   small CPUs are without.

use crate::primitive::{Leaf, Primitive};

const BLOCK: usize = 64;

pub(super) const PRIMITIVE: Primitive = Primitive::plain(c"st_d", || BLOCK, Leaf::Ordered(clear));

/// # Safety
/// As for every [`Leaf`].
unsafe fn clear(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the range.
    unsafe {
        core::arch::asm!(
            "2:",
            "st.d $zero, {ptr}, 0",
            "st.d $zero, {ptr}, 8",
            "st.d $zero, {ptr}, 16",
            "st.d $zero, {ptr}, 24",
            "st.d $zero, {ptr}, 32",
            "st.d $zero, {ptr}, 40",
            "st.d $zero, {ptr}, 48",
            "st.d $zero, {ptr}, 56",
            "addi.d {ptr}, {ptr}, {block}",
            "bne {ptr}, {end}, 2b",
            block = const BLOCK,
            ptr = inout(reg) ptr => _,
            end = in(reg) ptr.wrapping_add(len),
            options(nostack, preserves_flags),
        )
    }
}
