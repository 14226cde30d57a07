//! A source of garbage with a limit, which counts its blocks.

use std::alloc::{Layout, alloc, dealloc};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use clearpage::{Order, PAGE_SIZE, Page};
use clearpage_os::pool::{Block, BlockSource};

/// Not zero, so that each byte shows whether it was cleared.
pub const GARBAGE: u8 = 0xa5;

pub struct Counting {
    live: AtomicUsize,
    allocated: AtomicUsize,
    limit: AtomicUsize,
}

impl Counting {
    /// Creates a source of at most `limit` blocks at a time.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            live: AtomicUsize::new(0),
            allocated: AtomicUsize::new(0),
            limit: AtomicUsize::new(limit),
        })
    }

    /// Returns the number of blocks not yet released.
    pub fn live(&self) -> usize {
        self.live.load(SeqCst)
    }

    /// Returns the number of blocks allocated so far.
    pub fn allocated(&self) -> usize {
        self.allocated.load(SeqCst)
    }

    pub fn set_limit(&self, limit: usize) {
        self.limit.store(limit, SeqCst);
    }
}

fn layout(order: Order) -> Layout {
    Layout::from_size_align(order.bytes(), PAGE_SIZE).unwrap()
}

// SAFETY: the global allocator allocates and frees the blocks.
unsafe impl BlockSource for Counting {
    fn allocate(&self, order: Order) -> Option<Block> {
        let one_more = |live| (live < self.limit.load(SeqCst)).then_some(live + 1);
        self.live.fetch_update(SeqCst, SeqCst, one_more).ok()?;
        // SAFETY: the size is not 0, and the block has it.
        let block = unsafe {
            let block = NonNull::new(alloc(layout(order)).cast::<Page>())?;
            block.write_bytes(GARBAGE, order.npages());
            block
        };
        self.allocated.fetch_add(1, SeqCst);
        Some(Block::Dirty(block))
    }

    unsafe fn release(&self, block: NonNull<Page>, order: Order) {
        // SAFETY: the caller promises that it was allocated with this layout.
        unsafe { dealloc(block.as_ptr().cast(), layout(order)) };
        assert_ne!(self.live.fetch_sub(1, SeqCst), 0, "released twice");
    }
}
