//! Models the pool's lock-free parts for loom, which `.ci/loom` runs.
//!
//! Each model runs the pool's own code in all executions with at most 3 preemptions (2 in two
//! models). loom fails a model if one execution panics, deadlocks, or never ends.

mod ring;
mod shared;
mod worker;

use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use super::source::{Block, BlockSource, Heap};
use crate::sync::thread::{self, Thread};
use clearpage::{Order, Page};

/// Counts its blocks in atomics that are not part of the model, and wakes the thread that waits for
/// a count.
#[derive(Default)]
struct Counting {
    allocated: AtomicUsize,
    released: AtomicUsize,
    waiting: Mutex<Option<Thread>>,
}

impl Counting {
    fn allocated(&self) -> usize {
        self.allocated.load(SeqCst)
    }

    /// Returns the number of blocks not yet released.
    fn live(&self) -> usize {
        self.allocated() - self.released.load(SeqCst)
    }

    /// Parks until `reached`. If that never happens, loom reports a deadlock.
    fn wait_until(&self, reached: impl Fn(&Self) -> bool) {
        *self.waiting.lock().unwrap() = Some(thread::current());
        while !reached(self) {
            thread::park();
        }
        *self.waiting.lock().unwrap() = None;
    }

    fn count(&self, counter: &AtomicUsize) {
        counter.fetch_add(1, SeqCst);
        self.waiting.lock().unwrap().as_ref().inspect(|thread| thread.unpark());
    }
}

/// Fills a block with garbage, so that a missing clear is detected.
fn fill(block: NonNull<Page>) {
    // SAFETY: `block` is a page that the model owns.
    unsafe { block.write_bytes(0xa5, 1) };
}

fn assert_zero(block: NonNull<Page>) {
    // SAFETY: `block` is a page that the model owns.
    assert!(unsafe { block.as_ref() }.as_bytes().iter().all(|&byte| byte == 0));
}

// SAFETY: `Heap` allocates and frees the blocks, and keeps these promises.
unsafe impl BlockSource for Counting {
    fn allocate(&self, order: Order) -> Option<Block> {
        let block = Heap.allocate(order);
        let Some(Block::Dirty(first)) = block else { panic!("{block:?}") };
        fill(first);
        self.count(&self.allocated);
        block
    }

    unsafe fn release(&self, block: NonNull<Page>, order: Order) {
        // SAFETY: the caller's promise.
        unsafe { Heap.release(block, order) };
        self.count(&self.released);
    }
}

fn source() -> Arc<Counting> {
    Arc::default()
}
