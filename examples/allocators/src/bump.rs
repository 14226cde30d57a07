//! An arena of `bumpalo` that is wiped when it is reset, and then knows that it is zero.
//!
//! bumpalo hands out a chunk from its end down and has its books behind the end, where no block is.
//! At a reset it keeps the last chunk and frees the others. All that was used of any is wiped
//! before, so what was used of the chunk that is kept needs no clear in the next round; what was
//! not used of it is still as the global allocator gave it.

use std::alloc::Layout;
use std::cell::Cell;
use std::ops::Range;
use std::ptr::NonNull;

use bumpalo::Bump;
use clearpage::Intent;
use clearpage::hooks::{AllocFlags, Counts, InitPolicy, OpCounts};

use crate::Clear;

/// Blocks that are all freed at once.
#[derive(Debug)]
pub struct WipedBump {
    bump: Bump,
    policy: InitPolicy,
    clear: Clear,
    /// Addresses in the chunk that the last reset kept: what was not handed out since is zero.
    zero: Range<usize>,
    counts: Cell<Counts>,
}

impl WipedBump {
    /// An arena that gets its chunks when it needs them.
    pub fn new(policy: InitPolicy) -> Self {
        // SAFETY: it zeroes what it is given.
        unsafe { Self::clearing_by(policy, clearpage::raw::zero_bytes) }
    }

    /// An arena that clears by `clear`.
    ///
    /// # Safety
    /// `clear` writes only where it is told to.
    pub unsafe fn clearing_by(policy: InitPolicy, clear: Clear) -> Self {
        Self { bump: Bump::new(), policy, clear, zero: 0..0, counts: Cell::default() }
    }

    /// A block, by the flags and the policy; valid until the next [`reset`](Self::reset).
    pub fn alloc(&self, layout: Layout, mut flags: AllocFlags) -> NonNull<u8> {
        let ptr = self.bump.alloc_layout(layout);
        if self.zero.contains(&ptr.addr().get()) {
            flags |= AllocFlags::KNOWN_ZERO;
        }
        let clear = self.policy.wants_init_on_alloc(flags);
        if clear {
            // SAFETY: the block is new, and of this size.
            unsafe { (self.clear)(ptr.as_ptr(), layout.size(), Intent::Hot) };
        }
        self.count(|counts| &mut counts.on_alloc, layout.size(), clear);
        ptr
    }

    /// Frees all blocks.
    pub fn reset(&mut self) {
        let mut kept = None;
        // SAFETY: nobody allocates meanwhile.
        for (start, len) in unsafe { self.bump.iter_allocated_chunks_raw() } {
            // The chunk that is kept comes first.
            kept.get_or_insert(start.addr()..start.addr() + len);
            if len == 0 {
                continue;
            }
            if self.policy.on_free {
                // SAFETY: what was handed out of a chunk, which nobody uses any more.
                unsafe { (self.clear)(start, len, Intent::Cold) };
            }
            self.count(|counts| &mut counts.on_free, len, self.policy.on_free);
        }
        if let (Some(used), true) = (kept, self.policy.on_free) {
            // A chunk is known by its end: it may have been zero further down than it was used.
            let same = self.zero.end == used.end;
            let start = if same { self.zero.start.min(used.start) } else { used.start };
            self.zero = start..used.end;
        }
        self.bump.reset();
    }

    /// What was cleared, and what was not.
    pub fn counts(&self) -> Counts {
        self.counts.get()
    }

    fn count(&self, side: impl FnOnce(&mut Counts) -> &mut OpCounts, len: usize, clear: bool) {
        let mut counts = self.counts.get();
        crate::count(side(&mut counts), len, clear);
        self.counts.set(counts);
    }
}
