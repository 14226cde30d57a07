//! `dlmalloc` over pages that are reused, of which only the fresh ones are known to be zero.
//!
//! An operating system returns zeroed pages, which dlmalloc learns from `allocates_zeros`. [`Pages`]
//! also reuses freed pages and still keeps that promise: fresh pages need no clear, and each run of
//! reused pages is cleared with one call.
//!
//! dlmalloc 0.2 uses `allocates_zeros` only for blocks with a mapping of their own, which it never
//! creates, so its `calloc` clears every block. [`Heap`] adds what is missing, the C original's
//! direct path for long blocks. A block of fresh pages is not cleared, and a block of reused pages
//! once. [`ClearingAlloc`](clearpage::hooks::ClearingAlloc) around it adds no clear to
//! `alloc_zeroed`.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::ptr::{NonNull, null_mut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use clearpage::highmem::{Frame, FrameRange, Highmem};
use clearpage::hooks::{AllocFlags, DataState, InitPolicy, OpCounts, PageHooks};
use clearpage::{PAGE_SHIFT, PAGE_SIZE, Page};
use dlmalloc::{Allocator, Dlmalloc};

/// Blocks of at least this many bytes get pages of their own, as in the C original.
pub const LONG: usize = 256 << 10;

/// The state of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Never allocated, and therefore zero.
    Fresh,
    Used,
    /// Freed after use.
    Freed,
}

/// The source of memory for dlmalloc.
#[derive(Debug)]
pub struct Pages<M> {
    states: RefCell<Box<[State]>>,
    base: NonNull<Page>,
    hooks: PageHooks<M>,
    cleared: Cell<OpCounts>,
}

// SAFETY: only this value uses the pages, as its creator promised.
unsafe impl<M: Send> Send for Pages<M> {}

impl<M: Highmem> Pages<M> {
    /// Creates a source of the `npages` zeroed pages at `base`, which are the frames from 0 on of
    /// `mem`.
    ///
    /// # Safety
    /// As long as the source or its pages are used, the pages are valid for reads and writes, `mem`
    /// maps them, and only the owners of allocated pages use them.
    pub unsafe fn new(base: NonNull<Page>, npages: usize, mem: M) -> Self {
        // The allocator around the heap applies the policy: only it distinguishes user data.
        let hooks = PageHooks::new(mem).with_policy(InitPolicy::OFF);
        let states = RefCell::new(vec![State::Fresh; npages].into());
        Self { states, base, hooks, cleared: Cell::default() }
    }

    /// Allocates the lowest `npages` free contiguous pages. [`AllocFlags::ZERO`] requests zeroes.
    pub fn take(&self, npages: usize, flags: AllocFlags) -> Option<NonNull<Page>> {
        let mut states = self.states.borrow_mut();
        let pages = free_run(&states, npages)?;
        let mut left = pages.clone();
        while !left.is_empty() {
            let state = states[left.start];
            let same = states[left.clone()].iter().take_while(|&&other| other == state).count();
            let run = left.start..left.start + same;
            let known = if state == State::Fresh { AllocFlags::KNOWN_ZERO } else { flags };
            // SAFETY: the pages are free, so nothing else uses them.
            let done = unsafe { self.hooks.post_alloc(frames(&run), flags | known) }.ok()?;
            let mut cleared = self.cleared.get();
            crate::count(&mut cleared, same * PAGE_SIZE, done.data == DataState::Cleared);
            self.cleared.set(cleared);
            left.start = run.end;
        }
        states[pages.clone()].fill(State::Used);
        // SAFETY: one of the pages.
        Some(unsafe { self.base.add(pages.start) })
    }

    /// Frees pages.
    ///
    /// # Panics
    /// If they are not allocated.
    pub fn give(&self, start: NonNull<Page>, npages: usize) {
        let first = (start.addr().get() - self.base.addr().get()) >> PAGE_SHIFT;
        let mut states = self.states.borrow_mut();
        let states = &mut states[first..first + npages];
        assert!(states.iter().all(|&state| state == State::Used), "pages freed twice");
        states.fill(State::Freed);
    }

    /// Returns what was cleared and what was skipped when pages were allocated, counted by runs.
    pub fn counts(&self) -> OpCounts {
        self.cleared.get()
    }
}

/// Returns the first `npages` contiguous pages that are free.
fn free_run(states: &[State], npages: usize) -> Option<Range<usize>> {
    let mut start = 0;
    while start + npages <= states.len() {
        match states[start..start + npages].iter().rposition(|&state| state == State::Used) {
            Some(used) => start += used + 1,
            None => return Some(start..start + npages),
        }
    }
    None
}

fn frames(pages: &Range<usize>) -> FrameRange {
    let start = Frame::new(pages.start as u64).expect("pages have addresses");
    FrameRange::new(start, pages.len() as u64).expect("pages have addresses")
}

// SAFETY: the returned pages were free, have this length, and are zero.
unsafe impl<M: Highmem + Send> Allocator for Pages<M> {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        let npages = size.div_ceil(PAGE_SIZE);
        let pages = self.take(npages, AllocFlags::ZERO);
        (pages.map_or(null_mut(), |pages| pages.as_ptr().cast()), npages << PAGE_SHIFT, 0)
    }

    /// Always fails: a block that grows moves.
    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        null_mut()
    }

    fn free_part(&self, ptr: *mut u8, oldsize: usize, newsize: usize) -> bool {
        self.free(ptr.wrapping_add(newsize), oldsize - newsize)
    }

    fn free(&self, ptr: *mut u8, size: usize) -> bool {
        let start = NonNull::new(ptr.cast()).expect("not null");
        self.give(start, size >> PAGE_SHIFT);
        true
    }

    fn can_release_part(&self, _: u32) -> bool {
        true
    }

    fn allocates_zeros(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        PAGE_SIZE
    }
}

/// dlmalloc, with separate pages for long blocks.
pub struct Heap<M>(Mutex<Dlmalloc<Pages<M>>>);

impl<M: Highmem + Send> Heap<M> {
    /// Creates a heap over `pages`.
    pub fn new(pages: Pages<M>) -> Self {
        Self(Mutex::new(Dlmalloc::new_with_allocator(pages)))
    }

    /// Returns the counts of the pages.
    pub fn counts(&self) -> OpCounts {
        self.lock().allocator().counts()
    }

    /// Returns unused pages to the source. Returns whether there were any.
    pub fn trim(&self) -> bool {
        // SAFETY: all of its blocks belong to this heap.
        unsafe { self.lock().trim(0) }
    }

    fn lock(&self) -> MutexGuard<'_, Dlmalloc<Pages<M>>> {
        // An allocator must not unwind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, layout: Layout, flags: AllocFlags) -> *mut u8 {
        let npages = layout.size().div_ceil(PAGE_SIZE);
        let pages = self.lock().allocator().take(npages, flags);
        pages.map_or(null_mut(), |pages| pages.as_ptr().cast())
    }
}

fn is_long(layout: Layout) -> bool {
    layout.size() >= LONG && layout.align() <= PAGE_SIZE
}

// SAFETY: a block is one of dlmalloc's, or pages, which are aligned as `is_long` requires. Its layout
// selects the same one of the two when it is freed.
unsafe impl<M: Highmem + Send> GlobalAlloc for Heap<M> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_long(layout) {
            return self.take(layout, AllocFlags::NONE);
        }
        // SAFETY: the caller's promise.
        unsafe { self.lock().malloc(layout.size(), layout.align()) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_long(layout) {
            return self.take(layout, AllocFlags::ZERO);
        }
        // SAFETY: the caller's promise.
        unsafe { self.lock().calloc(layout.size(), layout.align()) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        if is_long(layout) {
            let start = NonNull::new(ptr.cast()).expect("a block");
            self.lock().allocator().give(start, layout.size().div_ceil(PAGE_SIZE));
        } else {
            // SAFETY: the caller's promise.
            unsafe { self.lock().free(ptr, layout.size(), layout.align()) }
        }
    }
}
