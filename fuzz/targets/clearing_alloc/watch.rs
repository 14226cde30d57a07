//! An allocator around another, which poisons what it hands out and looks at what comes back.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ptr::null_mut;

/// What a new block is full of, unless it was to be zero.
pub const POISON: u8 = 0xa5;

pub struct Watch<A> {
    inner: A,
    live: RefCell<HashMap<usize, Layout>>,
    /// Whether what comes back must be zero.
    wiped: Cell<bool>,
    fails: Cell<bool>,
}

impl<A> Watch<A> {
    pub fn new(inner: A) -> Self {
        let (live, wiped, fails) = (RefCell::default(), Cell::new(false), Cell::new(false));
        Self { inner, live, wiped, fails }
    }

    pub fn expect_wiped(&self, wiped: bool) {
        self.wiped.set(wiped);
    }

    pub fn fail_next(&self) {
        self.fails.set(true);
    }

    /// Blocks that did not come back.
    pub fn live(&self) -> usize {
        self.live.borrow().len()
    }

    fn enter(&self, ptr: *mut u8, layout: Layout) -> *mut u8 {
        if !ptr.is_null() {
            let before = self.live.borrow_mut().insert(ptr.addr(), layout);
            assert_eq!(before, None, "a block that is in use");
        }
        ptr
    }

    fn leave(&self, ptr: *mut u8, layout: Layout) {
        assert_eq!(self.live.borrow_mut().remove(&ptr.addr()), Some(layout), "not this block");
    }
}

// SAFETY: the blocks of the allocator inside.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Watch<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if self.fails.take() {
            return null_mut();
        }
        // SAFETY: the caller's promise; a block is valid for writes of its size.
        unsafe {
            let ptr = self.inner.alloc(layout);
            if !ptr.is_null() {
                ptr.write_bytes(POISON, layout.size());
            }
            self.enter(ptr, layout)
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if self.fails.take() {
            return null_mut();
        }
        // SAFETY: the caller's promise.
        self.enter(unsafe { self.inner.alloc_zeroed(layout) }, layout)
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        assert!(!self.wiped.get(), "left to the inner allocator, which wipes nothing");
        if self.fails.take() {
            return null_mut();
        }
        // SAFETY: the caller's promise.
        unsafe {
            let new = self.inner.realloc(ptr, layout, new_size);
            if new.is_null() {
                return new;
            }
            self.leave(ptr, layout);
            if new_size > layout.size() {
                new.add(layout.size()).write_bytes(POISON, new_size - layout.size());
            }
            self.enter(new, Layout::from_size_align(new_size, layout.align()).expect("small"))
        }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        self.leave(ptr, layout);
        // SAFETY: the caller's promise; the block was filled when it was allocated.
        unsafe {
            let bytes = std::slice::from_raw_parts(ptr, layout.size());
            assert!(
                !self.wiped.get() || bytes.iter().all(|&byte| byte == 0),
                "{layout:?} not wiped"
            );
            self.inner.dealloc(ptr, layout);
        }
    }
}
