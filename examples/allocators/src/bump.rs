//! A `bumpalo` arena that is cleared when it is reset, and skips the clear of those bytes afterwards.
//!
//! bumpalo allocates from the end of a chunk downwards, and has its metadata past the end. A reset
//! retains the last chunk and frees the others. [`WipedBump`] clears the used part of every chunk
//! before. In the retained chunk that part is known to be zero and needs no clear when it is
//! allocated again; the rest still holds what the global allocator returned.

use std::alloc::Layout;
use std::cell::Cell;
use std::ops::Range;
use std::ptr::NonNull;

use bumpalo::Bump;
use clearpage::Intent;
use clearpage::hooks::{AllocFlags, Counts, InitPolicy, OpCounts};

use crate::Clear;

/// An arena whose blocks are all freed at once.
#[derive(Debug)]
pub struct WipedBump {
    bump: Bump,
    policy: InitPolicy,
    clear: Clear,
    /// Addresses in the retained chunk. They are zero unless allocated since the reset.
    zero: Range<usize>,
    counts: Cell<Counts>,
}

impl WipedBump {
    /// Creates an empty arena.
    pub fn new(policy: InitPolicy) -> Self {
        // SAFETY: the function zeroes its range and writes nothing else.
        unsafe { Self::with_clear(policy, clearpage::raw::zero_bytes) }
    }

    /// Creates an empty arena that clears with `clear`.
    ///
    /// # Safety
    /// `clear` writes only to its range.
    pub unsafe fn with_clear(policy: InitPolicy, clear: Clear) -> Self {
        Self { bump: Bump::new(), policy, clear, zero: 0..0, counts: Cell::default() }
    }

    /// Allocates a block, valid until the next [`reset`](Self::reset), and clears it if the flags or
    /// the policy require it.
    pub fn alloc(&self, layout: Layout, mut flags: AllocFlags) -> NonNull<u8> {
        let ptr = self.bump.alloc_layout(layout);
        if self.zero.contains(&ptr.addr().get()) {
            flags |= AllocFlags::KNOWN_ZERO;
        }
        let clear = self.policy.wants_init_on_alloc(flags);
        if clear {
            // SAFETY: the block is new and has this size.
            unsafe { (self.clear)(ptr.as_ptr(), layout.size(), Intent::Hot) };
        }
        self.count(|counts| &mut counts.on_alloc, layout.size(), clear);
        ptr
    }

    /// Frees all blocks.
    pub fn reset(&mut self) {
        let mut kept = None;
        // SAFETY: nothing allocates during the loop.
        for (start, len) in unsafe { self.bump.iter_allocated_chunks_raw() } {
            // The first chunk is the one that the reset retains.
            kept.get_or_insert(start.addr()..start.addr() + len);
            if len == 0 {
                continue;
            }
            if self.policy.on_free {
                // SAFETY: the used part of a chunk, whose blocks are no longer used.
                unsafe { (self.clear)(start, len, Intent::Cold) };
            }
            self.count(|counts| &mut counts.on_free, len, self.policy.on_free);
        }
        if let (Some(used), true) = (kept, self.policy.on_free) {
            // The end identifies a chunk. It may be zero further down than it was used this time.
            let same = self.zero.end == used.end;
            let start = if same { self.zero.start.min(used.start) } else { used.start };
            self.zero = start..used.end;
        }
        self.bump.reset();
    }

    /// Returns what was cleared and what was skipped.
    pub fn counts(&self) -> Counts {
        self.counts.get()
    }

    fn count(&self, side: impl FnOnce(&mut Counts) -> &mut OpCounts, len: usize, clear: bool) {
        let mut counts = self.counts.get();
        crate::count(side(&mut counts), len, clear);
        self.counts.set(counts);
    }
}
