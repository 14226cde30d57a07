//! `init_on_alloc` and `init_on_free` for any allocator.

use core::alloc::{GlobalAlloc, Layout};

use super::crossing::hot_up_to_l2;
use super::policy::{InitPolicy, Loaded};
use super::stats::{NoStats, Side, Stats};
use crate::intent::Intent;
#[cfg(feature = "std")]
use crate::os::reset;
use crate::raw;

/// From this size on all systems' kernels tell what was touched for less than it takes to clear
/// what was not: the break-even of `reset` where `/proc/self/maps` has to be read.
#[cfg(feature = "std")]
const WIPE_TOUCHED_FROM: usize = 4 << 20;

/// Puts `init_on_alloc` and `init_on_free` around an allocator.
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
/// It follows the [policy of the process](super::policy()), or one of its own
/// ([`with_policy`](Self::with_policy)). What it does for each call:
///
/// | call | `on_alloc` | `on_free` |
/// |---|---|---|
/// | `alloc` | clears the block | nothing |
/// | `alloc_zeroed` | nothing: it is the inner allocator's `alloc_zeroed`, zero by contract | nothing |
/// | `realloc` | clears what the block grew by | moves the block and clears the old one |
/// | `dealloc` | nothing | clears the block: of a long one what was touched |
///
/// - Under `on_free` every `realloc` moves, even one that shrinks: where the inner allocator's own
///   would move, it would leave the old block as it is, and after clearing what is cut off first
///   it might still fail. It takes both blocks' memory for a moment. If the new one cannot be had,
///   the old one is untouched.
/// - A clear of pages that were never touched would have the system provide them: to free a sparse
///   block could run it out of memory. On Linux, in builds with `std`, only what was touched is
///   cleared of blocks of at least 4 MiB, by `reset::wipe`
///   (`wipe_touched_from` changes that), and
///   [`inner_unmaps_from`](Self::inner_unmaps_from) says which blocks need no clear at all. A
///   `realloc` that moves a block still copies all of it.
/// - Freed memory is cleared with [`Intent::Hot`] up to the size of the second-level cache, for its
///   user has just had it there, and the next one may get it at once; longer blocks with
///   [`Intent::Cold`]. Memory that is allocated, with [`Intent::Hot`]: up to the size of the
///   last-level cache it will be there when the user comes; above it
///   [`Tuning::detect`](crate::Tuning::detect) serves Hot like Cold, wherever something goes past
///   the cache.
/// - `on_free` does not make `alloc` skip its clear: the inner allocator may keep its free list in
///   free blocks. That it got a block from the operating system, zero, it can say only in
///   `alloc_zeroed`. [`inner_zeroes_from`](Self::inner_zeroes_from) says which blocks it is worth
///   asking for there, and has all others cleared here.
/// - Where the policy wants nothing, a call is a load, a test and a jump to the inner allocator.
/// - Blocks of no bytes, which `GlobalAlloc` forbids, are passed on, and nothing is cleared.
///
/// `S` hears what was cleared: [`Counters`](super::Counters) or, with a clock,
/// [`TimedCounters`](super::TimedCounters).
#[derive(Debug, Default)]
pub struct ClearingAlloc<A, S = NoStats> {
    inner: A,
    /// `None` is the policy of the process.
    policy: Option<InitPolicy>,
    /// From how many bytes on the inner allocator is asked for zeroes by `alloc`, and by
    /// `alloc_zeroed`.
    inner_zeroes_from: [usize; 2],
    /// From how many bytes on nothing is left of a block that the inner allocator freed.
    inner_unmaps_from: usize,
    /// From how many bytes on the system is asked what was touched of a block that is wiped.
    #[cfg(feature = "std")]
    wipe_touched_from: usize,
    stats: S,
}

impl<A> ClearingAlloc<A> {
    /// Around `inner`, by the policy of the process, without statistics.
    pub const fn new(inner: A) -> Self {
        Self::with_stats(inner, NoStats)
    }
}

impl<A, S> ClearingAlloc<A, S> {
    /// Around `inner`, by the policy of the process.
    pub const fn with_stats(inner: A, stats: S) -> Self {
        Self {
            inner,
            policy: None,
            inner_zeroes_from: [usize::MAX, 0],
            inner_unmaps_from: usize::MAX,
            #[cfg(feature = "std")]
            wipe_touched_from: WIPE_TOUCHED_FROM,
            stats,
        }
    }

    /// By `policy` from the first call to the last, whatever the policy of the process.
    #[must_use]
    pub const fn with_policy(mut self, policy: InitPolicy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Has blocks that are to be zero come from the inner `alloc_zeroed` if they have at least `len`
    /// bytes, whichever call asks for them; shorter ones come from its `alloc` and are cleared here.
    ///
    /// - `usize::MAX` is for allocators whose `alloc_zeroed` is that of `GlobalAlloc`, an `alloc` and
    ///   a `memset`: slab, buddy and bump allocators over memory of their own.
    /// - The size from which on an allocator maps each block by itself is for those that know such
    ///   memory to be zero. `alloc` under `on_alloc` then touches none of it. For the C library's it
    ///   is 128 KiB, `M_MMAP_THRESHOLD` of mallopt(3), until it adapts; and it knows what is new at
    ///   the end of its heap, which is why 32 KiB is better where that grows and shrinks.
    #[must_use]
    pub const fn inner_zeroes_from(mut self, len: usize) -> Self {
        self.inner_zeroes_from = [len; 2];
        self
    }

    /// Leaves blocks of at least `len` bytes to the inner allocator as they are when they are freed,
    /// because it gives their memory back to the system, which clears it before anybody gets it. A
    /// `realloc` of such a block to such a size is the inner allocator's: it may move pages, and
    /// must unmap what it leaves.
    ///
    /// - `usize::MAX`, the default, is for allocators that keep what is freed.
    /// - For glibc's `malloc` it is 32 MiB on 64-bit systems and 512 KiB on 32-bit ones. It maps
    ///   each block by itself from `M_MMAP_THRESHOLD` of mallopt(3) on, 128 KiB at first, but
    ///   whenever such a block is freed it raises the threshold to its size, up to these limits.
    ///   With as many mappings as `M_MMAP_MAX` allows (65 536), longer blocks come from the heap:
    ///   they are then not cleared. The same holds if mallopt(3) or `GLIBC_TUNABLES`
    ///   (`glibc.malloc.mmap_threshold`) in the environment sets a higher threshold.
    /// - For that of musl since 1.2.1 (mallocng) it is 128 KiB.
    #[must_use]
    pub const fn inner_unmaps_from(mut self, len: usize) -> Self {
        self.inner_unmaps_from = len;
        self
    }

    /// Clears only what was touched, by [`reset::wipe`](crate::reset::wipe), of freed blocks of at
    /// least `len` bytes; 4 MiB is the default, and `usize::MAX` has all of every block cleared.
    ///
    /// That asks the system within `dealloc`, on Linux: a sandbox that ends the process for one of
    /// the system calls listed at `reset::wipe` has to allow them, or this has to be `usize::MAX`.
    /// So has it where `userfaultfd` fills fresh pages of the inner allocator's memory with old
    /// contents. On other systems all is cleared, whatever `len` is.
    #[cfg(feature = "std")]
    #[must_use]
    pub const fn wipe_touched_from(mut self, len: usize) -> Self {
        self.wipe_touched_from = len;
        self
    }

    /// The allocator inside.
    pub const fn inner(&self) -> &A {
        &self.inner
    }

    /// What hears of it.
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
    /// A block as the inner allocator has it.
    ///
    /// # Safety
    /// That of `GlobalAlloc::alloc`.
    #[inline(always)]
    unsafe fn as_it_is(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe {
            let ptr = self.inner.alloc(layout);
            self.hand_out(ptr, 0, layout.size(), false);
            ptr
        }
    }

    /// A block that is zero, by the inner allocator or cleared here.
    ///
    /// # Safety
    /// That of `GlobalAlloc::alloc`.
    #[inline(always)]
    unsafe fn zeroed(&self, layout: Layout, by_inner: bool) -> *mut u8 {
        // SAFETY: the caller's promise; a block is valid for writes of its size.
        unsafe {
            let ptr = match by_inner {
                true => self.inner.alloc_zeroed(layout),
                false => self.inner.alloc(layout),
            };
            self.hand_out(ptr, 0, layout.size(), !by_inner);
            ptr
        }
    }

    /// `len` bytes from `from` on are the user's from now on.
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
            let clear = || unsafe { raw::zero_bytes(ptr.add(from), len, Intent::Hot) };
            self.stats.cleared(Side::Alloc, len, clear);
        } else {
            self.stats.skipped(Side::Alloc, len);
        }
    }

    /// `alloc` where the policy is to be asked: out of line, so that the other path is a jump to
    /// the inner allocator.
    ///
    /// # Safety
    /// That of `GlobalAlloc::alloc`.
    #[inline(never)]
    unsafe fn alloc_by_policy(layout: Layout, policy: Loaded, this: &Self) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe {
            if policy.settle().on_alloc {
                let by_inner = layout.size() >= this.inner_zeroes_from[0];
                return this.zeroed(layout, by_inner);
            }
            this.as_it_is(layout)
        }
    }

    /// `dealloc`, likewise.
    ///
    /// # Safety
    /// That of `GlobalAlloc::dealloc`.
    #[inline(never)]
    unsafe fn dealloc_by_policy(ptr: *mut u8, layout: Layout, policy: Loaded, this: &Self) {
        let clear = policy.settle().on_free;
        // SAFETY: the caller's promise.
        unsafe { this.take_back(ptr, layout, clear) }
    }

    /// `realloc`, likewise.
    ///
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
            if on_free && layout.size().min(size) < this.inner_unmaps_from {
                this.replace(ptr, layout, size, on_alloc)
            } else {
                this.resize(ptr, layout, size, on_alloc)
            }
        }
    }

    /// Frees, and clears before.
    ///
    /// # Safety
    /// That of `GlobalAlloc::dealloc`.
    #[inline(always)]
    unsafe fn take_back(&self, ptr: *mut u8, layout: Layout, clear: bool) {
        let len = layout.size();
        if clear && len < self.inner_unmaps_from {
            // SAFETY: the block is its caller's until it is freed.
            self.stats.cleared(Side::Free, len, || unsafe { self.wipe(ptr, len) });
        } else {
            self.stats.skipped(Side::Free, len);
        }
        // SAFETY: the caller's promise.
        unsafe { self.inner.dealloc(ptr, layout) };
    }

    /// Clears what will be freed.
    ///
    /// # Safety
    /// `ptr` is valid for writes of `len` bytes, and nobody else uses them.
    #[inline(always)]
    unsafe fn wipe(&self, ptr: *mut u8, len: usize) {
        // The stores stay, though nobody reads them: leaves are asm or volatile, and behind the last
        // store of a short range stands a barrier that reads it.
        #[cfg(feature = "std")]
        if len >= self.wipe_touched_from {
            // SAFETY: the caller's promise. If fresh pages are not zero, then their contents are not
            // the block's, or nobody was to switch this on.
            return unsafe { reset::wipe(ptr, len) };
        }
        // SAFETY: the caller's promise.
        unsafe { raw::zero_bytes(ptr, len, hot_up_to_l2(len as u64)) }
    }

    /// `realloc` by the inner allocator's, where nobody minds what that leaves behind.
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
                self.stats.skipped(Side::Free, old - size);
            }
            new
        }
    }

    /// `realloc` under `on_free`: what is left behind is cleared, so it is never left to `inner`.
    ///
    /// # Safety
    /// That of `GlobalAlloc::realloc`.
    unsafe fn replace(&self, ptr: *mut u8, layout: Layout, size: usize, clear: bool) -> *mut u8 {
        let old = layout.size();
        // SAFETY: the alignment is a layout's, and the caller promises that the size is one's. The
        // blocks are two, both as long as what is copied; the old one is freed once.
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

// SAFETY: blocks are the inner allocator's, each handed out and given back once with its layout; to
// clear them changes no address. Nothing here unwinds: no layout is longer than `zero_bytes` takes.
unsafe impl<A: GlobalAlloc, S: Stats> GlobalAlloc for ClearingAlloc<A, S> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe {
            let policy = self.policy();
            if policy.may_want().on_alloc {
                return Self::alloc_by_policy(layout, policy, self);
            }
            self.as_it_is(layout)
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { self.zeroed(layout, layout.size() >= self.inner_zeroes_from[1]) }
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
