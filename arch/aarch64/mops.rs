//! `mops`: the CPU's own memset.
//!
//! Assumptions
//! - Instructions: SETP, SETM, SETE (Arm ARM DDI 0487, Memory Copy and Memory Set): prologue, main
//!   part and epilogue, which must follow one another, on the same registers. They change NZCV.
//! - CPUs: Armv8.8-A, Armv9.3-A. Feature bit: FEAT_MOPS, ID_AA64ISAR2_EL1.MOPS; under Linux
//!   and FreeBSD AT_HWCAP2 bit 43, on Apple's systems sysctl hw.optional.arm.FEAT_MOPS, elsewhere
//!   the target feature `mops`, which so far only nightly compilers pass on to a crate.
//! - Temporal; ordered as any stores: no fence.
//! - Any alignment, block 1. If interrupted, it resumes at the same place.
//! - General registers only: legal in kernels, which must handle the exception that a move to a CPU
//!   of another implementation raises in the middle (they restart the sequence), and set
//!   HCRX_EL2.MSCEn for guests and SCTLR_EL1.MSCEn for EL0. Linux does if it reports the bit.

use super::ident;
use crate::cpu::Feature;
use crate::primitive::{Leaf, Primitive};

const BLOCK: usize = 1;

pub(super) const PRIMITIVE: Primitive = Primitive::plain(c"mops", || BLOCK, Leaf::Ordered(clear))
    .needs_feature(Some(Feature::Mops), ident::mops);

/// # Safety
/// As for every [`Leaf`].
unsafe fn clear(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the range.
    unsafe {
        core::arch::asm!(
            ".arch_extension mops",
            "setp [{at}]!, {left}!, xzr",
            "setm [{at}]!, {left}!, xzr",
            "sete [{at}]!, {left}!, xzr",
            at = inout(reg) ptr => _,
            left = inout(reg) len => _,
            options(nostack),
        )
    }
}
