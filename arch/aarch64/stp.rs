//! `stp`: 16 bytes a store, from the zero register twice.
//!
//! Assumptions
//! - Instruction: STP of two 64-bit general registers. CPUs: all; feature bit: none.
//! - Temporal; ordered as any store: no fence.
//! - Block 64, aligned: no store crosses a cache line. Device memory takes it too, MMU on or off.

use super::loops::store_pairs;
use crate::primitive::{Leaf, Primitive};

const BLOCK: usize = 64;

pub(super) const PRIMITIVE: Primitive = Primitive::plain(c"stp", || BLOCK, Leaf::Ordered(clear));

/// # Safety
/// As for every [`Leaf`].
unsafe fn clear(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promises: all stores fall into the range.
    unsafe { store_pairs!("stp", ptr, len) }
}
