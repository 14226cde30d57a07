//! `mte`: zeroes data and sets its memory tags in one pass. Never chosen: only tagged memory
//! (PROT_MTE) gains by it.
//!
//! Assumptions
//! - Instructions: STZ2G and STZG, 32 and 16 bytes; DC GZVA for whole blocks where DCZID_EL0 bit 4
//!   (DZP) permits it. The tag is that of the pointer, bits 59:56. (Arm ARM DDI 0487, the Memory
//!   Tagging Extension.)
//! - CPUs: Armv8.5-A and newer that have it. Feature bit: FEAT_MTE2, ID_AA64PFR1_EL1.MTE; under
//!   Linux and FreeBSD AT_HWCAP2 bit 18, elsewhere the target feature `mte`.
//! - Temporal; data and tags are ordered as any stores: no fence.
//! - Block 16, aligned: what one tag covers. Tags that do not match the pointer are no fault, they
//!   are replaced; only bytes outside whole blocks are plain stores, which are checked.
//! - Where memory has no tags, or tags are off (SCTLR_EL1.ATA0 for EL0, ATA for EL1, HCR_EL2.ATA
//!   for guests), the tag is dropped and the data is zeroed. Linux permits EL0; it wants memory
//!   mapped with PROT_MTE, and prctl(PR_SET_TAGGED_ADDR_CTRL) before tags are checked or tagged
//!   pointers given to it.
//! - Device memory and the MMU being off: as `dc_zva`.

use core::arch::asm;

use super::ident::{self, Dczid};
use super::loops::zero_blocks;
use crate::cpu::Feature;
use crate::primitive::{Leaf, Primitive};

const BLOCK: usize = 16;

pub(super) const PRIMITIVE: Primitive = Primitive::plain(c"mte", || BLOCK, Leaf::Tagging(clear))
    .needs_feature(Some(Feature::Mte), ident::mte);

/// # Safety
/// As for every [`Leaf`]; the memory is Normal, and its tags need not match.
unsafe fn clear(ptr: *mut u8, len: usize) {
    let dczid = Dczid::read();
    let (head, body) = dczid.whole_blocks(ptr.addr(), len);
    // SAFETY: the three parts make up the caller's range, and the middle one is whole blocks of an
    // instruction that is permitted where there are any.
    unsafe {
        clear_granules(ptr, head);
        let at = ptr.wrapping_add(head);
        zero_blocks!(".arch_extension memtag", "dc gzva", at, body, dczid.block());
        clear_granules(at.wrapping_add(body), len - head - body);
    }
}

/// # Safety
/// As [`clear`], but `len` may be 0.
#[inline]
unsafe fn clear_granules(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the range.
    unsafe {
        asm!(
            ".arch_extension memtag",
            "subs {left}, {left}, 32",
            "b.lo 3f",
            "2:",
            "stz2g {at}, [{at}], 32",
            "subs {left}, {left}, 32",
            "b.hs 2b",
            // 32 too little, which leaves bit 4 unchanged: test for an odd one.
            "3:",
            "tbz {left}, 4, 4f",
            "stzg {at}, [{at}]",
            "4:",
            at = inout(reg) ptr => _,
            left = inout(reg) len => _,
            options(nostack),
        )
    }
}
