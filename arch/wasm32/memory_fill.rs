//! `memory_fill`: the runtime's own memset.
//!
//! Assumptions
//! - Instruction: memory.fill (WebAssembly Core Specification 2.0, 4.4.7). Runtimes: all that have
//!   bulk memory operations, part of version 2.0. Target feature bulk-memory, which rustc enables by
//!   default since 1.87.
//! - Temporal or not, as the runtime chooses; ordered as any stores: no fence.
//! - Any alignment, block 1.
//! - Inline assembly for WebAssembly is unstable: the compiler translates a fill of unknown length
//!   to this instruction.

use core::ptr::with_exposed_provenance_mut;

use crate::primitive::{Leaf, Primitive};

const BLOCK: usize = 1;

pub(super) const PRIMITIVE: Primitive =
    Primitive::plain(c"memory_fill", || BLOCK, Leaf::Ordered(clear));

/// # Safety
/// As for every [`Leaf`].
unsafe fn clear(ptr: *mut u8, len: usize) {
    let start = with_exposed_provenance_mut::<u8>(ptr.expose_provenance());
    // SAFETY: the caller's promises: all bytes are in the range.
    unsafe { start.write_bytes(0, len) };
    // Otherwise the fill of memory that is freed next is dead.
    core::hint::black_box(start);
}
