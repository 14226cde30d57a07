//! `dc_zva`: one instruction a block, as a rule a cache line.
//!
//! Assumptions
//! - Instruction: DC ZVA (Arm ARM DDI 0487, A64 system instructions for cache maintenance), the
//!   aligned block that the address lies in.
//! - CPUs: all of Armv8-A and newer. Permitted if DCZID_EL0 bit 4 (DZP) is 0; a hypervisor
//!   prohibits it by HCR_EL2.TDZ, a kernel to EL0 by SCTLR_EL1.DZE, which Linux leaves permitted.
//! - Temporal: many cores stop allocating lines in the nearest cache when a run gets long.
//! - A set of stores to each byte of the block, ordered as those (Arm ARM, DC ZVA): no fence.
//! - Block: 4 << DCZID_EL0 bits 3:0, aligned. 64 bytes on most CPUs, 256 on A64FX, at most 2048;
//!   the same on all CPUs of a machine. One larger than a page would be refused.
//! - Normal memory of any cacheability. Device memory faults (alignment), and with the MMU off
//!   all data accesses are to Device memory: at EL1 the MMU must be on.

use super::ident::Dczid;
use super::loops::zero_blocks;
use crate::cpu::Feature;
use crate::primitive::{Leaf, Primitive};

pub(super) const PRIMITIVE: Primitive =
    Primitive::plain(c"dc_zva", || Dczid::read().block(), Leaf::Ordered(clear))
        .needs_feature(Some(Feature::DcZva), || Dczid::read().usable());

/// # Safety
/// As for every [`Leaf`]; the memory is Normal.
unsafe fn clear(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promises: all blocks fall into the range.
    unsafe { zero_blocks!("", "dc zva", ptr, len, Dczid::read().block()) }
}
