//! First fit in an arena. What it knows of its blocks lies elsewhere, so that every byte of the arena
//! is a block's, or must stay as it was.

use std::alloc::{GlobalAlloc, Layout, alloc, dealloc, handle_alloc_error};
use std::cell::RefCell;
use std::ptr::null_mut;

const LAYOUT: Layout = match Layout::from_size_align(1 << 16, 1 << 14) {
    Ok(layout) => layout,
    Err(_) => unreachable!(),
};
/// What no block has been in.
const UNUSED: u8 = 0x5c;

pub struct Arena {
    base: *mut u8,
    state: RefCell<State>,
}

struct State {
    /// First byte and end of each block, by address.
    blocks: Vec<(usize, usize)>,
    /// The arena, as it must be between them.
    between: Vec<u8>,
}

impl Arena {
    pub fn new() -> Self {
        // SAFETY: the size is not 0; the arena is new.
        let base = unsafe {
            let base = alloc(LAYOUT);
            if base.is_null() {
                handle_alloc_error(LAYOUT);
            }
            base.write_bytes(UNUSED, LAYOUT.size());
            base
        };
        let state = State { blocks: Vec::new(), between: vec![UNUSED; LAYOUT.size()] };
        Self { base, state: RefCell::new(state) }
    }

    fn bytes(&self, start: usize, end: usize) -> &[u8] {
        // SAFETY: part of the arena, which is initialised; nobody writes while this is looked at.
        unsafe { std::slice::from_raw_parts(self.base.add(start), end - start) }
    }

    /// Panics unless what lies between the blocks is as it was.
    fn check(&self) {
        let State { blocks, between } = &*self.state.borrow();
        let mut at = 0_usize;
        for &(start, end) in blocks.iter().chain([&(LAYOUT.size(), LAYOUT.size())]) {
            assert!(self.bytes(at, start) == &between[at..start], "{at}..{start} is no block's");
            at = end;
        }
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        self.check();
        // SAFETY: it was allocated with this layout.
        unsafe { dealloc(self.base, LAYOUT) };
    }
}

// SAFETY: blocks do not overlap, and are aligned as the arena is.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.check();
        let blocks = &mut self.state.borrow_mut().blocks;
        let mut at = 0_usize;
        for i in 0..=blocks.len() {
            let start = at.next_multiple_of(layout.align());
            let (room, end) = blocks.get(i).copied().unwrap_or((LAYOUT.size(), 0));
            if start + layout.size() <= room {
                blocks.insert(i, (start, start + layout.size()));
                // SAFETY: inside the arena.
                return unsafe { self.base.add(start) };
            }
            at = end;
        }
        null_mut()
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        self.check();
        let State { blocks, between } = &mut *self.state.borrow_mut();
        let start = ptr.addr() - self.base.addr();
        let block = (start, start + layout.size());
        let at = blocks.iter().position(|other| *other == block).expect("a block");
        blocks.remove(at);
        between[block.0..block.1].copy_from_slice(self.bytes(block.0, block.1));
    }

    /// In place where there is room.
    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        self.check();
        let start = ptr.addr() - self.base.addr();
        let (old, new) = (start + layout.size(), start + new_size);
        {
            let State { blocks, between } = &mut *self.state.borrow_mut();
            let at = blocks.iter().position(|block| *block == (start, old)).expect("a block");
            let room = blocks.get(at + 1).map_or(LAYOUT.size(), |next| next.0);
            if new <= room {
                blocks[at].1 = new;
                if new < old {
                    between[new..old].copy_from_slice(self.bytes(new, old));
                }
                return ptr;
            }
        }
        // SAFETY: the caller's promise; the blocks are two.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(ptr, layout.size().min(new_size));
                self.dealloc(ptr, layout);
            }
            moved
        }
    }
}
