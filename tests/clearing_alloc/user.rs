//! A user of an allocator, who knows what every byte should be and says what is wrong.

use std::alloc::{GlobalAlloc, Layout};

use clearpage::hooks::{Counts, InitPolicy, OpCounts};

use crate::recording::{POISON, is_all};

/// What a user does. `which` is a block it has, modulo how many.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    Alloc { layout: Layout },
    Zeroed { layout: Layout },
    Realloc { which: usize, size: usize },
    Dealloc { which: usize },
}

/// A block, and from what its contents are made.
#[derive(Debug)]
pub struct Block {
    ptr: *mut u8,
    layout: Layout,
    seed: u64,
}

// SAFETY: a block is its owner's alone, whichever thread that is.
unsafe impl Send for Block {}

impl Block {
    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the block is the owner's, and initialised: `User` looked at every byte.
        unsafe { std::slice::from_raw_parts_mut(self.ptr, self.layout.size()) }
    }

    /// Bytes that are never 0 nor poison, so that each says by itself what it is.
    fn contents(seed: u64) -> impl Iterator<Item = u8> {
        (seed..)
            .map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8 | 1)
            .map(|byte| if byte == POISON { 1 } else { byte })
    }

    fn write(&mut self) {
        let seed = self.seed;
        self.bytes().iter_mut().zip(Self::contents(seed)).for_each(|(to, from)| *to = from);
    }

    fn holds(&mut self, len: usize) -> bool {
        let seed = self.seed;
        self.bytes()[..len].iter().zip(Self::contents(seed)).all(|(is, was)| *is == was)
    }
}

/// From which sizes on the inner allocator does the work, where that was said to `ClearingAlloc`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ByInner {
    pub zeroes_from: Option<usize>,
    pub unmaps_from: Option<usize>,
}

/// A user of `alloc`, which is said to follow `policy` over a `Recording`.
pub struct User<'a, A> {
    alloc: &'a A,
    policy: InitPolicy,
    sizes: ByInner,
    pub blocks: Vec<Block>,
    seed: u64,
    /// What the statistics should say.
    pub expected: Counts,
    /// Blocks that the inner allocator should find unwiped.
    pub unwiped: usize,
    /// Blocks that the inner allocator should be asked to zero.
    pub by_inner: usize,
    pub faults: Vec<String>,
}

impl<'a, A: GlobalAlloc> User<'a, A> {
    pub fn new(alloc: &'a A, policy: InitPolicy, seed: u64) -> Self {
        let (expected, sizes) = (Counts::default(), ByInner::default());
        let (blocks, unwiped, by_inner, faults) = (vec![], 0, 0, vec![]);
        Self { alloc, policy, sizes, blocks, seed, expected, unwiped, by_inner, faults }
    }

    pub fn by_inner(mut self, sizes: ByInner) -> Self {
        self.sizes = sizes;
        self
    }

    /// Whether a freed block of `len` bytes is wiped.
    fn wipes(&self, len: usize) -> bool {
        self.policy.on_free && self.sizes.unmaps_from.is_none_or(|from| len < from)
    }

    pub fn step(&mut self, step: Step) {
        match step {
            Step::Alloc { layout } => {
                // SAFETY: the layout is not of 0 bytes.
                let ptr = unsafe { self.alloc.alloc(layout) };
                self.take(ptr, layout, self.policy.on_alloc, false);
            }
            Step::Zeroed { layout } => {
                // SAFETY: the layout is not of 0 bytes.
                let ptr = unsafe { self.alloc.alloc_zeroed(layout) };
                self.take(ptr, layout, true, true);
            }
            _ if self.blocks.is_empty() => {}
            Step::Realloc { which, size } => self.resize(which % self.blocks.len(), size),
            Step::Dealloc { which } => {
                let block = self.blocks.swap_remove(which % self.blocks.len());
                self.give_back(block);
            }
        }
    }

    /// Gives everything back.
    pub fn finish(&mut self) {
        while let Some(block) = self.blocks.pop() {
            self.give_back(block);
        }
    }

    /// Zero or not; `asked` is whether by a call for just that.
    fn take(&mut self, ptr: *mut u8, layout: Layout, zero: bool, asked: bool) {
        let by_inner = zero && self.sizes.zeroes_from.map_or(asked, |from| layout.size() >= from);
        self.by_inner += usize::from(by_inner);
        if ptr.is_null() {
            return;
        }
        count(&mut self.expected.on_alloc, layout.size(), zero && !by_inner);
        self.seed += 0x1_0000_0000;
        let mut block = Block { ptr, layout, seed: self.seed };
        if ptr.addr() % layout.align() != 0 {
            self.faults.push(format!("{block:?} is not aligned"));
        }
        self.fresh(&mut block, 0, zero);
        block.write();
        self.blocks.push(block);
    }

    fn resize(&mut self, which: usize, size: usize) {
        let mut block = self.blocks.swap_remove(which);
        let old = block.layout.size();
        let layout = Layout::from_size_align(size, block.layout.align()).unwrap();
        // SAFETY: the block is ours, of that layout; the new size is not 0.
        let ptr = unsafe { self.alloc.realloc(block.ptr, block.layout, size) };
        if ptr.is_null() {
            if !block.holds(old) {
                self.faults.push(format!("{block:?}: changed by a failed realloc to {size}"));
            }
            self.blocks.push(block);
            return;
        }
        if size > old {
            count(&mut self.expected.on_alloc, size - old, self.policy.on_alloc);
        }
        let wiped = self.wipes(old);
        self.unwiped += usize::from(!wiped);
        if self.wipes(old.min(size)) {
            count(&mut self.expected.on_free, old, wiped);
        } else if size < old {
            count(&mut self.expected.on_free, old - size, false);
        }
        (block.ptr, block.layout) = (ptr, layout);
        if !block.holds(old.min(size)) {
            self.faults.push(format!("{block:?}: contents lost by realloc from {old}"));
        }
        if ptr.addr() % layout.align() != 0 {
            self.faults.push(format!("{block:?} is not aligned after realloc"));
        }
        self.fresh(&mut block, old, self.policy.on_alloc);
        block.write();
        self.blocks.push(block);
    }

    /// What the block holds from `from` on is new to the user.
    fn fresh(&mut self, block: &mut Block, from: usize, zero: bool) {
        let (byte, name) = if zero { (0, "zero") } else { (POISON, "as it was") };
        let fresh = block.bytes().get(from..).unwrap_or_default();
        if !is_all(byte, fresh) {
            self.faults.push(format!("{block:?}: from {from} on it should be {name}"));
        }
    }

    fn give_back(&mut self, mut block: Block) {
        let size = block.layout.size();
        if !block.holds(size) {
            self.faults.push(format!("{block:?}: contents lost"));
        }
        let wiped = self.wipes(size);
        count(&mut self.expected.on_free, size, wiped);
        self.unwiped += usize::from(!wiped);
        // SAFETY: the block is ours, of that layout, and given back once.
        unsafe { self.alloc.dealloc(block.ptr, block.layout) };
    }
}

fn count(side: &mut OpCounts, bytes: usize, cleared: bool) {
    let (calls, sum) = if cleared {
        (&mut side.clears, &mut side.cleared_bytes)
    } else {
        (&mut side.skips, &mut side.skipped_bytes)
    };
    *calls += 1;
    *sum += bytes as u64;
}
