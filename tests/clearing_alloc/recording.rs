//! An allocator that hands out garbage, and looks at what it is given back.

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::HashMap;
use std::ptr::null_mut;
use std::sync::{Mutex, MutexGuard};

/// What a fresh block is full of.
pub const POISON: u8 = 0xa5;

/// How often each call was made, those that failed included; and what came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    pub alloc: usize,
    pub alloc_zeroed: usize,
    pub realloc: usize,
    pub dealloc: usize,
    /// Blocks given back, or left behind by `realloc`, with something in them.
    pub unwiped: usize,
    /// Blocks given back that nobody has, or that were of another layout.
    pub strange: usize,
    /// Blocks that somebody has.
    pub live: usize,
}

impl Calls {
    /// The calls that can fail.
    pub fn fallible(&self) -> usize {
        self.alloc + self.alloc_zeroed + self.realloc
    }
}

/// `System`, watched. Its `realloc` always moves.
#[derive(Default)]
pub struct Recording(Mutex<State>);

#[derive(Default)]
struct State {
    live: HashMap<usize, Layout>,
    calls: Calls,
    fail_at: Option<usize>,
}

impl Recording {
    /// The call of this number, counted from 0 over those that can fail, gets no memory.
    pub fn failing_at(call: usize) -> Self {
        Self(Mutex::new(State { fail_at: Some(call), ..State::default() }))
    }

    pub fn calls(&self) -> Calls {
        let state = self.state();
        Calls { live: state.live.len(), ..state.calls }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A failed assertion elsewhere is reported there.
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Counts a call that can fail; whether it is the one that does.
    fn fails(&self, call: impl FnOnce(&mut Calls)) -> bool {
        let mut state = self.state();
        let fails = state.fail_at == Some(state.calls.fallible());
        call(&mut state.calls);
        fails
    }

    fn enter(&self, ptr: *mut u8, layout: Layout) -> *mut u8 {
        assert!(!ptr.is_null(), "out of memory");
        self.state().live.insert(ptr.expose_provenance(), layout);
        ptr
    }

    /// # Safety
    /// `layout` is not of 0 bytes.
    unsafe fn garbage(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise; the block is new.
        unsafe {
            let ptr = self.enter(System.alloc(layout), layout);
            ptr.write_bytes(POISON, layout.size());
            ptr
        }
    }

    /// # Safety
    /// `ptr` is of this allocator, allocated with `layout`, and initialised.
    unsafe fn take_back(&self, ptr: *mut u8, layout: Layout) {
        let mut state = self.state();
        if state.live.remove(&ptr.addr()) != Some(layout) {
            // Leaked: to free it would be worse.
            state.calls.strange += 1;
            return;
        }
        // SAFETY: the block is ours, and of this size.
        unsafe {
            if !is_all(0, std::slice::from_raw_parts(ptr, layout.size())) {
                state.calls.unwiped += 1;
            }
            System.dealloc(ptr, layout);
        }
    }
}

impl Drop for Recording {
    /// What a negative control leaked is no leak of the tests.
    fn drop(&mut self) {
        for (&ptr, &layout) in &self.state().live {
            // SAFETY: a block that nobody gave back, and whoever had it is gone.
            unsafe { System.dealloc(std::ptr::with_exposed_provenance_mut(ptr), layout) };
        }
    }
}

/// Whether all bytes are `byte`.
pub fn is_all(byte: u8, bytes: &[u8]) -> bool {
    bytes.chunks(64).all(|chunk| chunk.iter().fold(0, |bad, b| bad | (b ^ byte)) == 0)
}

// SAFETY: the system's blocks, of the layouts asked for. `realloc` copies what both blocks hold.
unsafe impl GlobalAlloc for Recording {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if self.fails(|calls| calls.alloc += 1) {
            return null_mut();
        }
        // SAFETY: the caller's promise.
        unsafe { self.garbage(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if self.fails(|calls| calls.alloc_zeroed += 1) {
            return null_mut();
        }
        // SAFETY: the caller's promise.
        self.enter(unsafe { System.alloc_zeroed(layout) }, layout)
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if self.fails(|calls| calls.realloc += 1) {
            return null_mut();
        }
        let new_layout = Layout::from_size_align(new_size, layout.align()).unwrap();
        // SAFETY: the caller's promise; the blocks are two.
        unsafe {
            let new = self.garbage(new_layout);
            new.copy_from_nonoverlapping(ptr, new_size.min(layout.size()));
            self.take_back(ptr, layout);
            new
        }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        self.state().calls.dealloc += 1;
        // SAFETY: the caller's promise.
        unsafe { self.take_back(ptr, layout) }
    }
}
