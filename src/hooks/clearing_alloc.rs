//! Adds `init_on_alloc` and `init_on_free` to any `GlobalAlloc`.

use core::alloc::{GlobalAlloc, Layout};

use super::policy::{InitPolicy, Loaded};
use super::stats::{NoStats, Op, Stats};
use crate::intent::Intent;
use crate::raw;

/// Adds Linux's `init_on_alloc` and `init_on_free` to any `GlobalAlloc`.
///
/// ```
/// use std::alloc::System;
/// use clearpage::hooks::{ClearingAlloc, InitPolicy, set_policy};
///
/// #[global_allocator]
/// static ALLOC: ClearingAlloc<System> = ClearingAlloc::new(System);
///
/// // Or CLEARPAGE_INIT_ON_ALLOC=1 and CLEARPAGE_INIT_ON_FREE=1 in the environment.
/// set_policy(InitPolicy::BOTH);
/// let _secret = vec![42; 1000];
/// ```
///
/// It applies the [policy of the process](super::policy()), or its own
/// ([`with_policy`](Self::with_policy)):
///
/// | call | `on_alloc` | `on_free` |
/// |---|---|---|
/// | `alloc` | clears the block | nothing |
/// | `alloc_zeroed` | nothing: the inner `alloc_zeroed` returns zeroed memory | nothing |
/// | `realloc` | clears the bytes that were added | moves the block and clears the old one |
/// | `dealloc` | nothing | clears the block |
///
/// - Under `on_free` every `realloc` moves the block, even if it shrinks: the inner `realloc` may
///   move it and leave the old block uncleared, or fail after the part to be cut off was cleared.
///   Both blocks exist for a moment. If the new one cannot be allocated, the old one is unchanged.
/// - Clearing pages that were never touched faults them in, so freeing a long, hardly used block
///   can run the system out of memory: set [`unmap_threshold`](Self::unmap_threshold) or
///   [`wipe_with`](Self::wipe_with). A `realloc` that moves a block still copies all of it.
/// - Blocks are cleared with [`Intent::Hot`], at allocation and at free ([why](super#hot-or-cold)).
/// - `on_free` does not make `alloc` skip its clear ([why](super#freed-memory-is-not-known-to-be-zero)).
///   Only through `alloc_zeroed` can the inner allocator pass on that a block is zero:
///   [`alloc_zeroed_threshold`](Self::alloc_zeroed_threshold) selects the blocks to request that way.
/// - If the policy is off, a call costs a load, a test and a jump to the inner allocator.
/// - Zero-sized blocks, which `GlobalAlloc` forbids, are passed on, and nothing is cleared.
///
/// `S` records what was cleared, for example in [`Counters`](super::Counters).
#[derive(Debug)]
pub struct ClearingAlloc<A, S = NoStats> {
    inner: A,
    /// `None` selects the policy of the process.
    policy: Option<InitPolicy>,
    /// Shortest blocks for which `alloc`, if it must clear, and `alloc_zeroed` call the inner
    /// `alloc_zeroed`.
    alloc_threshold: usize,
    alloc_zeroed_threshold: usize,
    unmap_threshold: usize,
    wipe_threshold: usize,
    wipe: unsafe fn(*mut u8, usize),
    stats: S,
}

/// Clears all of a block that is about to be freed. The compiler cannot drop these stores, although
/// the block is never read again: leaves are asm or volatile, and in short ranges a barrier after
/// the last store reads it.
///
/// # Safety
/// `ptr` is valid for writes of `len` bytes.
unsafe fn wipe_whole(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { raw::zero_bytes(ptr, len, Intent::Hot) }
}

impl<A: Default, S: Default> Default for ClearingAlloc<A, S> {
    fn default() -> Self {
        Self::with_stats(A::default(), S::default())
    }
}

impl<A> ClearingAlloc<A> {
    /// Wraps `inner`, with the policy of the process and without statistics.
    pub const fn new(inner: A) -> Self {
        Self::with_stats(inner, NoStats)
    }
}

impl<A, S> ClearingAlloc<A, S> {
    /// Wraps `inner`, with the policy of the process and the given statistics.
    pub const fn with_stats(inner: A, stats: S) -> Self {
        Self {
            inner,
            policy: None,
            alloc_threshold: usize::MAX,
            alloc_zeroed_threshold: 0,
            unmap_threshold: usize::MAX,
            wipe_threshold: usize::MAX,
            wipe: wipe_whole,
            stats,
        }
    }

    /// Applies `policy` to all calls, regardless of the policy of the process.
    #[must_use]
    pub const fn with_policy(mut self, policy: InitPolicy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Allocates zeroed blocks of at least `len` bytes with the inner `alloc_zeroed`, for both
    /// `alloc` and `alloc_zeroed`. Shorter ones come from the inner `alloc` and are cleared here.
    ///
    /// - Pass `usize::MAX` for allocators that use the `alloc_zeroed` of `GlobalAlloc`, an `alloc`
    ///   and a `memset`: slab, buddy and bump allocators over their own memory.
    /// - For allocators that map large blocks individually and know them to be zero, pass the size
    ///   at which they start to. `alloc` under `on_alloc` then touches none of the block. The C
    ///   library starts at 128 KiB (`M_MMAP_THRESHOLD` of mallopt(3)), until it adapts. It also
    ///   knows the fresh memory at its heap's end: 32 KiB is better if the heap grows and shrinks.
    #[must_use]
    pub const fn alloc_zeroed_threshold(mut self, len: usize) -> Self {
        self.alloc_threshold = len;
        self.alloc_zeroed_threshold = len;
        self
    }

    /// Skips the clear of freed blocks of at least `len` bytes, because the inner allocator unmaps
    /// them and the system clears their memory before reusing it. The inner allocator handles a
    /// `realloc` between two such sizes: it may move pages, and must unmap those it leaves.
    ///
    /// - Default: `usize::MAX`, for allocators that retain freed memory.
    /// - For glibc's `malloc`, pass 32 MiB on 64-bit systems and 512 KiB on 32-bit ones. It maps
    ///   blocks individually from `M_MMAP_THRESHOLD` of mallopt(3) on, initially 128 KiB. Freeing
    ///   such a block raises the threshold to the block's size, up to these limits. Once
    ///   `M_MMAP_MAX` mappings (65 536) exist, longer blocks come from the heap and are then not
    ///   cleared. The same holds if mallopt(3) or `GLIBC_TUNABLES` (`glibc.malloc.mmap_threshold`)
    ///   sets a higher threshold.
    /// - For musl's `malloc` since 1.2.1 (mallocng), pass 128 KiB.
    #[must_use]
    pub const fn unmap_threshold(mut self, len: usize) -> Self {
        self.unmap_threshold = len;
        self
    }

    /// Clears freed blocks of at least `from` bytes by `wipe` instead of by stores to all of it.
    ///
    /// For wipes that skip pages that were never touched, such as `clearpage_os::raw::wipe` from 4 MiB
    /// on: below that, querying the touched pages may cost more than clearing the others.
    /// Default: `from` is `usize::MAX`.
    ///
    /// # Safety
    /// `wipe` may be called for any block of the inner allocator that is about to be freed. It
    /// zeroes it, does not unwind, and neither allocates from the inner allocator nor frees to it.
    #[must_use]
    pub const unsafe fn wipe_with(mut self, from: usize, wipe: unsafe fn(*mut u8, usize)) -> Self {
        self.wipe_threshold = from;
        self.wipe = wipe;
        self
    }

    /// Returns the inner allocator.
    pub const fn inner(&self) -> &A {
        &self.inner
    }

    /// Returns the statistics.
    pub const fn stats(&self) -> &S {
        &self.stats
    }

    #[inline(always)]
    fn policy(&self) -> Loaded {
        match self.policy {
            Some(policy) => Loaded::fixed(policy),
            None => Loaded::now(),
        }
    }
}

impl<A: GlobalAlloc, S: Stats> ClearingAlloc<A, S> {
    /// Allocates a block. The inner allocator zeroes it, or this function, or neither.
    ///
    /// # Safety
    /// That of `GlobalAlloc::alloc`.
    #[inline(always)]
    unsafe fn allocate(&self, layout: Layout, by_inner: bool, clear: bool) -> *mut u8 {
        // SAFETY: the caller's promise; a block is valid for writes of its size.
        unsafe {
            let ptr = match by_inner {
                true => self.inner.alloc_zeroed(layout),
                false => self.inner.alloc(layout),
            };
            self.hand_out(ptr, 0, layout.size(), clear);
            ptr
        }
    }

    /// Clears or skips `len` bytes from `from` on before the caller receives them.
    ///
    /// # Safety
    /// `ptr` is null, or valid for writes of `from + len` bytes.
    #[inline(always)]
    unsafe fn hand_out(&self, ptr: *mut u8, from: usize, len: usize, clear: bool) {
        if ptr.is_null() {
            return;
        }
        if clear {
            // SAFETY: the caller's promise.
            unsafe { raw::zero_bytes(ptr.add(from), len, Intent::Hot) };
            self.stats.cleared(Op::Alloc, len);
        } else {
            self.stats.skipped(Op::Alloc, len);
        }
    }

    /// Allocates according to the policy. Out of line, as the next two, so that `alloc` with the
    /// policy off remains a jump to the inner allocator.
    ///
    /// # Safety
    /// That of `GlobalAlloc::alloc`.
    #[inline(never)]
    unsafe fn alloc_by_policy(layout: Layout, policy: Loaded, this: &Self) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe {
            if policy.settle().on_alloc {
                let by_inner = layout.size() >= this.alloc_threshold;
                return this.allocate(layout, by_inner, !by_inner);
            }
            this.allocate(layout, false, false)
        }
    }

    /// # Safety
    /// That of `GlobalAlloc::dealloc`.
    #[inline(never)]
    unsafe fn dealloc_by_policy(ptr: *mut u8, layout: Layout, policy: Loaded, this: &Self) {
        let clear = policy.settle().on_free;
        // SAFETY: the caller's promise.
        unsafe { this.take_back(ptr, layout, clear) }
    }

    /// # Safety
    /// That of `GlobalAlloc::realloc`.
    #[cold]
    #[inline(never)]
    unsafe fn realloc_by_policy(
        ptr: *mut u8,
        layout: Layout,
        size: usize,
        policy: Loaded,
        this: &Self,
    ) -> *mut u8 {
        let InitPolicy { on_alloc, on_free } = policy.settle();
        // SAFETY: the caller's promise.
        unsafe {
            if on_free && layout.size().min(size) < this.unmap_threshold {
                this.replace(ptr, layout, size, on_alloc)
            } else {
                this.resize(ptr, layout, size, on_alloc)
            }
        }
    }

    /// Frees a block. If `clear` is set and freeing does not unmap the block, clears it first.
    ///
    /// # Safety
    /// That of `GlobalAlloc::dealloc`.
    #[inline(always)]
    unsafe fn take_back(&self, ptr: *mut u8, layout: Layout, clear: bool) {
        let len = layout.size();
        if clear && len < self.unmap_threshold {
            // SAFETY: until the block is freed, it is valid and belongs to the caller.
            unsafe {
                if len >= self.wipe_threshold {
                    (self.wipe)(ptr, len);
                } else {
                    wipe_whole(ptr, len);
                }
            }
            self.stats.cleared(Op::Free, len);
        } else {
            self.stats.skipped(Op::Free, len);
        }
        // SAFETY: the caller's promise.
        unsafe { self.inner.dealloc(ptr, layout) };
    }

    /// Reallocates with the inner `realloc`, if memory that it frees need not be cleared.
    ///
    /// # Safety
    /// That of `GlobalAlloc::realloc`.
    #[inline(always)]
    unsafe fn resize(&self, ptr: *mut u8, layout: Layout, size: usize, clear: bool) -> *mut u8 {
        let old = layout.size();
        // SAFETY: the caller's promise; the new block is valid for writes of its size.
        unsafe {
            let new = self.inner.realloc(ptr, layout, size);
            if size > old {
                self.hand_out(new, old, size - old, clear);
            } else if !new.is_null() && size < old {
                self.stats.skipped(Op::Free, old - size);
            }
            new
        }
    }

    /// Reallocates under `on_free`: copies to a new block, then clears and frees the old one.
    ///
    /// # Safety
    /// That of `GlobalAlloc::realloc`.
    unsafe fn replace(&self, ptr: *mut u8, layout: Layout, size: usize, clear: bool) -> *mut u8 {
        let old = layout.size();
        // SAFETY: the alignment is that of a layout, and the caller promises that the size fits it.
        // The two blocks are distinct, both hold the copied bytes, and the old is freed once.
        unsafe {
            let new = self.inner.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                new.copy_from_nonoverlapping(ptr, old.min(size));
                if size > old {
                    self.hand_out(new, old, size - old, clear);
                }
                self.take_back(ptr, layout, true);
            }
            new
        }
    }
}

// SAFETY: the inner allocator allocates and frees each block, once and with its layout; clearing it
// changes no address. Nothing here unwinds: no layout is longer than `zero_bytes` accepts.
unsafe impl<A: GlobalAlloc, S: Stats> GlobalAlloc for ClearingAlloc<A, S> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe {
            let policy = self.policy();
            if policy.may_want().on_alloc {
                return Self::alloc_by_policy(layout, policy, self);
            }
            self.allocate(layout, false, false)
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let by_inner = layout.size() >= self.alloc_zeroed_threshold;
        // SAFETY: as above.
        unsafe { self.allocate(layout, by_inner, !by_inner) }
    }

    #[inline]
    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe {
            let policy = self.policy();
            if policy.may_want() != InitPolicy::OFF {
                return Self::realloc_by_policy(ptr, layout, new_size, policy, self);
            }
            self.resize(ptr, layout, new_size, false)
        }
    }

    #[inline]
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe {
            let policy = self.policy();
            if policy.may_want().on_free {
                return Self::dealloc_by_policy(ptr, layout, policy, self);
            }
            self.take_back(ptr, layout, false);
        }
    }
}
