//! An allocator that returns garbage and checks the blocks that are freed.

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::HashMap;
use std::ptr::null_mut;
use std::slice;
use std::sync::{Mutex, MutexGuard};

use crate::is_all;

/// The contents of a fresh block.
pub const POISON: u8 = 0xa5;
/// The contents of the redzones of a block, and their length.
const ZONE: (u8, usize) = (0x5c, 64);

/// The number of calls, including those that failed, and what the freed blocks showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Calls of `alloc`.
    pub alloc: usize,
    /// Calls of `alloc_zeroed`.
    pub alloc_zeroed: usize,
    /// Calls of `realloc`.
    pub realloc: usize,
    /// Calls of `dealloc`.
    pub dealloc: usize,
    /// Blocks freed, or resized, that were not zero.
    pub unwiped: usize,
    /// Blocks freed with another layout, or not allocated.
    pub unknown: usize,
    /// Blocks of which a redzone was written.
    pub overrun: usize,
    /// Blocks not freed yet.
    pub live: usize,
}

impl Calls {
    /// Returns the number of calls that can fail.
    pub fn fallible(&self) -> usize {
        self.alloc + self.alloc_zeroed + self.realloc
    }
}

/// An allocator that records what is done to another, and puts redzones around its blocks.
#[derive(Debug)]
pub struct Recording<A: GlobalAlloc = System> {
    inner: A,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    live: HashMap<usize, Layout>,
    calls: Calls,
    fail_at: Option<usize>,
}

/// Returns the layout of a block with its redzones, and the offset of the block.
fn with_zones(layout: Layout) -> (Layout, usize) {
    let offset = layout.align().max(ZONE.1);
    let size = offset + layout.size() + ZONE.1;
    (Layout::from_size_align(size, layout.align()).expect("small"), offset)
}

impl Default for Recording {
    fn default() -> Self {
        Self::new(System)
    }
}

impl Recording {
    /// Records `System`, of which the call of this number fails: see [`fail_at`](Self::fail_at).
    pub fn failing_at(call: usize) -> Self {
        let recording = Self::default();
        recording.fail_at(call);
        recording
    }
}

impl<A: GlobalAlloc> Recording<A> {
    /// Records `inner`.
    pub fn new(inner: A) -> Self {
        Self { inner, state: Mutex::default() }
    }

    /// Lets one call fail, by its number from 0 on among those that can fail.
    pub fn fail_at(&self, call: usize) {
        self.state().fail_at = Some(call);
    }

    /// Returns what was recorded.
    pub fn calls(&self) -> Calls {
        let state = self.state();
        Calls { live: state.live.len(), ..state.calls }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The panic that poisoned it is reported by its own thread.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Counts a call that can fail, and returns whether it does.
    fn fails(&self, call: impl FnOnce(&mut Calls)) -> bool {
        let mut state = self.state();
        let fails = state.fail_at == Some(state.calls.fallible());
        call(&mut state.calls);
        fails
    }

    /// Returns the block at `base`, after poisoning its bytes from `poison` on.
    ///
    /// # Safety
    /// `base` is null or a new block of the inner allocator, for `layout` with redzones.
    unsafe fn enter(&self, base: *mut u8, layout: Layout, poison: usize) -> *mut u8 {
        if base.is_null() {
            return base;
        }
        let ptr = base.wrapping_add(with_zones(layout).1);
        // SAFETY: the block and its redzones are in the inner allocator's block.
        unsafe {
            ptr.sub(ZONE.1).write_bytes(ZONE.0, ZONE.1);
            ptr.add(layout.size()).write_bytes(ZONE.0, ZONE.1);
            if poison < layout.size() {
                ptr.add(poison).write_bytes(POISON, layout.size() - poison);
            }
        }
        self.state().live.insert(ptr.expose_provenance(), layout);
        ptr
    }

    /// Checks a block that is freed or resized. Returns its start with redzones, or `None` if it is
    /// not a block.
    ///
    /// # Safety
    /// If `ptr` is a block, it is initialised.
    unsafe fn leave(&self, ptr: *mut u8, layout: Layout) -> Option<*mut u8> {
        let mut state = self.state();
        if state.live.get(&ptr.addr()) != Some(&layout) {
            state.calls.unknown += 1;
            return None;
        }
        state.live.remove(&ptr.addr());
        // SAFETY: the block is live and has this size.
        let [before, block, after] = unsafe {
            let zone = |start| slice::from_raw_parts(start, ZONE.1);
            let block = slice::from_raw_parts(ptr, layout.size());
            [zone(ptr.sub(ZONE.1)), block, zone(ptr.add(layout.size()))]
        };
        state.calls.unwiped += usize::from(!is_all(0, block));
        state.calls.overrun += usize::from(!(is_all(ZONE.0, before) && is_all(ZONE.0, after)));
        Some(ptr.wrapping_sub(with_zones(layout).1))
    }
}

impl<A: GlobalAlloc> Drop for Recording<A> {
    /// Frees the blocks that a negative control leaked.
    fn drop(&mut self) {
        let live = std::mem::take(&mut self.state().live);
        for (ptr, layout) in live {
            let (zoned, offset) = with_zones(layout);
            let base = std::ptr::with_exposed_provenance_mut::<u8>(ptr - offset);
            // SAFETY: the block was not freed, and its user is gone.
            unsafe { self.inner.dealloc(base, zoned) };
        }
    }
}

// SAFETY: the blocks are parts of the inner allocator's blocks, aligned as they are.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Recording<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if self.fails(|calls| calls.alloc += 1) {
            return null_mut();
        }
        // SAFETY: the size is not 0, and the block is new.
        unsafe { self.enter(self.inner.alloc(with_zones(layout).0), layout, 0) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if self.fails(|calls| calls.alloc_zeroed += 1) {
            return null_mut();
        }
        // SAFETY: as in `alloc`.
        unsafe { self.enter(self.inner.alloc_zeroed(with_zones(layout).0), layout, layout.size()) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if self.fails(|calls| calls.realloc += 1) {
            return null_mut();
        }
        let new_layout = Layout::from_size_align(new_size, layout.align()).expect("small");
        let (zoned, new_zoned) = (with_zones(layout).0, with_zones(new_layout).0);
        // SAFETY: the caller's promise; the offset depends on the alignment only, so that the
        // contents stay in place relative to it.
        unsafe {
            let Some(base) = self.leave(ptr, layout) else { return null_mut() };
            let new = self.inner.realloc(base, zoned, new_zoned.size());
            if new.is_null() {
                self.state().live.insert(ptr.addr(), layout);
            }
            self.enter(new, new_layout, layout.size())
        }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        self.state().calls.dealloc += 1;
        // SAFETY: the caller's promise. An unknown block is leaked, because it may be another's.
        unsafe {
            if let Some(base) = self.leave(ptr, layout) {
                self.inner.dealloc(base, with_zones(layout).0);
            }
        }
    }
}
