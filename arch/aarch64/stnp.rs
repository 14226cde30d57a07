//! `stnp`: 16 bytes a store, from the zero register twice, with the hint that they are not read
//! soon.
//!
//! Assumptions
//! - Instruction: STNP of two 64-bit general registers. CPUs: all; feature bit: none.
//! - Non-temporal: a hint, which a CPU may ignore.
//! - Ordered as STP: no fence. Of the non-temporal pairs only the load has an exception to the
//!   order of memory accesses, after an address dependency (Arm ARM DDI 0487, Load/store
//!   non-temporal pair); every barrier or release that orders an STP also orders an STNP.
//! - Block 64, aligned: no store crosses a cache line.
//! - General registers only: legal in kernels; what Linux clears pages with where DC ZVA is
//!   prohibited.

use super::loops::store_pairs;
use crate::primitive::{Leaf, Primitive};

const BLOCK: usize = 64;

pub(super) const PRIMITIVE: Primitive =
    Primitive::plain(c"stnp", || BLOCK, Leaf::Ordered(clear)).non_temporal();

/// # Safety
/// As for every [`Leaf`].
unsafe fn clear(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the range.
    unsafe { store_pairs!("stnp", ptr, len) }
}
