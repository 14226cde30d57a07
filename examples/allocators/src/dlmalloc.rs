//! `dlmalloc` over pages that come back: some are known to be zero, the others are not.
//!
//! An operating system gives zeroes, and `allocates_zeros` tells dlmalloc so. [`Pages`] takes freed
//! pages in and hands them out again, and keeps that promise all the same: pages that were never
//! used go out as they are, those that were are cleared, in one call each for every run of either.
//!
//! dlmalloc 0.2 asks `allocates_zeros` only about blocks that have a mapping of their own, and makes
//! none: its `calloc` clears every block by itself. What is missing, the C original's direct path
//! for long blocks, is in [`Heap`]: a fresh one is zero and takes no clear, one of pages that came
//! back takes one, and [`ClearingAlloc`](clearpage::hooks::ClearingAlloc) around it adds none to
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

/// From here on a block gets pages of its own, as in the C original.
pub const LONG: usize = 256 << 10;

/// What is known of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Never handed out: zero.
    Fresh,
    Used,
    /// Handed out and taken back.
    Back,
}

/// Where dlmalloc gets its memory.
#[derive(Debug)]
pub struct Pages<M> {
    states: RefCell<Box<[State]>>,
    base: NonNull<Page>,
    hooks: PageHooks<M>,
    cleared: Cell<OpCounts>,
}

// SAFETY: the pages are this value's alone, by the promise to `new`.
unsafe impl<M: Send> Send for Pages<M> {}

impl<M: Highmem> Pages<M> {
    /// The `npages` pages at `base`, which are zero: the frames from 0 on of `mem`.
    ///
    /// # Safety
    /// They are valid for reads and writes as long as anything of it is used, `mem` maps them, and
    /// nobody else uses them, but who was handed them out.
    pub unsafe fn new(base: NonNull<Page>, npages: usize, mem: M) -> Self {
        // What the policy asks for is done around the heap, where it is known what is the user's.
        let hooks = PageHooks::new(mem).with_policy(InitPolicy::OFF);
        let states = RefCell::new(vec![State::Fresh; npages].into());
        Self { states, base, hooks, cleared: Cell::default() }
    }

    /// Hands out that many pages, the lowest that there are; with [`AllocFlags::ZERO`] as zeroes.
    pub fn take(&self, npages: usize, flags: AllocFlags) -> Option<NonNull<Page>> {
        let mut states = self.states.borrow_mut();
        let pages = free_run(&states, npages)?;
        let mut left = pages.clone();
        while !left.is_empty() {
            let state = states[left.start];
            let same = states[left.clone()].iter().take_while(|&&other| other == state).count();
            let run = left.start..left.start + same;
            let known = if state == State::Fresh { AllocFlags::KNOWN_ZERO } else { flags };
            // SAFETY: the pages are free.
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

    /// Takes pages back.
    ///
    /// # Panics
    /// If they are not handed out.
    pub fn give(&self, start: NonNull<Page>, npages: usize) {
        let first = (start.addr().get() - self.base.addr().get()) >> PAGE_SHIFT;
        let mut states = self.states.borrow_mut();
        let states = &mut states[first..first + npages];
        assert!(states.iter().all(|&state| state == State::Used), "pages given back twice");
        states.fill(State::Back);
    }

    /// What was cleared when it was handed out, and what was not, by runs of pages.
    pub fn counts(&self) -> OpCounts {
        self.cleared.get()
    }
}

/// The first pages, so many, that nobody uses.
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

// SAFETY: what it hands out is free, of that length, and zero.
unsafe impl<M: Highmem + Send> Allocator for Pages<M> {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        let npages = size.div_ceil(PAGE_SIZE);
        let pages = self.take(npages, AllocFlags::ZERO);
        (pages.map_or(null_mut(), |pages| pages.as_ptr().cast()), npages << PAGE_SHIFT, 0)
    }

    /// Never: a block that grows moves.
    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        null_mut()
    }

    fn free_part(&self, ptr: *mut u8, oldsize: usize, newsize: usize) -> bool {
        self.free(ptr.wrapping_add(newsize), oldsize - newsize)
    }

    fn free(&self, ptr: *mut u8, size: usize) -> bool {
        let start = NonNull::new(ptr.cast()).expect("no memory is at 0");
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

/// dlmalloc, and pages of their own for long blocks.
pub struct Heap<M>(Mutex<Dlmalloc<Pages<M>>>);

impl<M: Highmem + Send> Heap<M> {
    /// Over `pages`.
    pub fn new(pages: Pages<M>) -> Self {
        Self(Mutex::new(Dlmalloc::new_with_allocator(pages)))
    }

    /// What `pages` counted.
    pub fn counts(&self) -> OpCounts {
        self.lock().allocator().counts()
    }

    /// Gives back pages that no block is in; whether there were any.
    pub fn trim(&self) -> bool {
        // SAFETY: it holds blocks of this heap alone.
        unsafe { self.lock().trim(0) }
    }

    fn lock(&self) -> MutexGuard<'_, Dlmalloc<Pages<M>>> {
        // To unwind out of an allocator would be worse.
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

// SAFETY: the blocks of dlmalloc, and pages, which are aligned as `is_long` asks; by its layout a
// block goes back to where it came from.
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
