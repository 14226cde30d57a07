//! A user of an allocator that knows the contents of every byte of its blocks.

use std::alloc::{GlobalAlloc, Layout};

use clearpage::hooks::{Counts, InitPolicy, OpCounts};

use crate::is_all;

/// The fill pattern of a user. Corresponding bytes of the two inks differ, and none is 0: if memory
/// is equal after runs in both, it holds no user data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Bytes from 0x01 to 0x7f.
    Blue,
    /// The bytes of `Blue` with the highest bit set.
    Red,
}

impl Ink {
    /// The first half of every word.
    const MARK: [u8; 4] = [0x5e, 0x13, 0x77, 0x2b];

    /// Returns a word of the block with this seed: a mark and a number.
    fn word(self, seed: u32, word: usize) -> [u8; 8] {
        let number = (seed ^ (word as u32).wrapping_mul(0x9e37_79b9)) & 0x7f7f_7f7f | 0x0101_0101;
        let flip = match self {
            Self::Blue => 0,
            Self::Red => 0x80,
        };
        let ([a, b, c, d], [e, f, g, h]) = (Self::MARK, number.to_le_bytes());
        [a, b, c, d, e, f, g, h].map(|byte| byte ^ flip)
    }

    /// Fills `bytes` with the contents for `seed`.
    pub fn write(self, seed: u32, bytes: &mut [u8]) {
        for (n, word) in bytes.chunks_mut(8).enumerate() {
            word.copy_from_slice(&self.word(seed, n)[..word.len()]);
        }
    }

    /// Returns whether `bytes` hold the contents for `seed`.
    pub fn is_in(self, seed: u32, bytes: &[u8]) -> bool {
        let mut words = bytes.chunks(8).enumerate();
        words.all(|(n, word)| *word == self.word(seed, n)[..word.len()])
    }

    /// Counts the words of this ink in `bytes`, aligned or not.
    pub fn found_in(self, bytes: &[u8]) -> usize {
        let mark = &self.word(0, 0)[..4];
        bytes.windows(4).filter(|window| *window == mark).count()
    }
}

/// A call of a user. A block is given by any number, modulo the number of blocks that the user has.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Allocates a block.
    Alloc(Layout),
    /// Allocates a zeroed block.
    Zeroed(Layout),
    /// Resizes a block to a number of bytes.
    Realloc(usize, usize),
    /// Frees a block.
    Dealloc(usize),
    /// Writes new contents to a block.
    Write(usize),
}

/// An error of the allocator that a user found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A block is not zero from this byte on, but should be.
    NotZero(Layout, usize),
    /// A block from this byte on is not as the inner allocator returned it, but should be.
    Written(Layout, usize),
    /// A block lost its user's contents.
    Lost(Layout),
    /// A block is not aligned.
    Misaligned(Layout),
}

/// A block and the seed of its contents.
#[derive(Debug)]
pub struct Block {
    ptr: *mut u8,
    layout: Layout,
    seed: u32,
}

// SAFETY: a block belongs to one user, whichever thread that is in.
unsafe impl Send for Block {}

impl Block {
    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the block belongs to the user, to whom it was promised that it is initialised.
        unsafe { std::slice::from_raw_parts_mut(self.ptr, self.layout.size()) }
    }
}

/// The sizes from which the inner allocator works instead of `ClearingAlloc`.
#[derive(Clone, Copy, Debug)]
pub struct Thresholds {
    /// `alloc_zeroed_threshold`, if it is set.
    pub zeroes: Option<usize>,
    /// `unmap_threshold`.
    pub unmaps: usize,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { zeroes: None, unmaps: usize::MAX }
    }
}

/// A user of an allocator that should follow a policy.
#[derive(Debug)]
pub struct User<'a, A> {
    alloc: &'a A,
    /// The policy that the allocator follows from now on.
    pub policy: InitPolicy,
    /// The thresholds that the allocator was built with.
    pub thresholds: Thresholds,
    /// The contents of memory that the inner allocator did not zero, if it is known.
    pub garbage: Option<u8>,
    ink: Ink,
    seed: u32,
    /// The blocks that the user has.
    pub blocks: Vec<Block>,
    /// The statistics of a `ClearingAlloc` that is correct.
    pub expected: Counts,
    /// The sizes of blocks that must be cleared before they are freed, in order.
    pub wiped: Vec<usize>,
    /// The number of blocks that are freed without a clear.
    pub unwiped: usize,
    /// The number of blocks requested from the inner `alloc_zeroed`.
    pub by_inner: usize,
    /// All errors so far.
    pub faults: Vec<Fault>,
}

impl<'a, A: GlobalAlloc> User<'a, A> {
    /// Creates a user without blocks. Users of one allocator need seeds that are far apart.
    ///
    /// # Safety
    /// All memory of `alloc` is initialised.
    pub unsafe fn new(alloc: &'a A, policy: InitPolicy, ink: Ink, seed: u32) -> Self {
        Self {
            alloc,
            policy,
            thresholds: Thresholds::default(),
            garbage: None,
            ink,
            seed,
            blocks: vec![],
            expected: Counts::default(),
            wiped: vec![],
            unwiped: 0,
            by_inner: 0,
            faults: vec![],
        }
    }

    /// Makes one call, if there is a block for it. Returns whether it succeeded.
    pub fn step(&mut self, step: Step) -> bool {
        let nblocks = self.blocks.len();
        match step {
            Step::Alloc(layout) => {
                assert_ne!(layout.size(), 0);
                // SAFETY: the size is not 0.
                let ptr = unsafe { self.alloc.alloc(layout) };
                return self.take(ptr, layout, self.policy.on_alloc, false);
            }
            Step::Zeroed(layout) => {
                assert_ne!(layout.size(), 0);
                // SAFETY: the size is not 0.
                let ptr = unsafe { self.alloc.alloc_zeroed(layout) };
                return self.take(ptr, layout, true, true);
            }
            _ if nblocks == 0 => return false,
            Step::Realloc(which, size) => return self.resize(which % nblocks, size),
            Step::Dealloc(which) => {
                let block = self.blocks.swap_remove(which % nblocks);
                self.free(block);
            }
            Step::Write(which) => {
                let block = self.blocks.swap_remove(which % nblocks);
                self.write(block);
            }
        }
        true
    }

    /// Frees all blocks.
    pub fn finish(&mut self) {
        while let Some(block) = self.blocks.pop() {
            self.free(block);
        }
    }

    /// Checks the contents of all blocks.
    pub fn check(&mut self) {
        let (ink, faults) = (self.ink, &mut self.faults);
        for block in &mut self.blocks {
            if !ink.is_in(block.seed, block.bytes()) {
                faults.push(Fault::Lost(block.layout));
            }
        }
    }

    /// Returns whether a block of `len` bytes is cleared before it is freed.
    fn wipes(&self, len: usize) -> bool {
        self.policy.on_free && len < self.thresholds.unmaps
    }

    /// Adds a new block. `asked` is set if it comes from `alloc_zeroed`.
    fn take(&mut self, ptr: *mut u8, layout: Layout, zero: bool, asked: bool) -> bool {
        let by_inner = zero && self.thresholds.zeroes.map_or(asked, |from| layout.size() >= from);
        self.by_inner += usize::from(by_inner);
        if ptr.is_null() {
            return false;
        }
        count(&mut self.expected.on_alloc, layout.size(), zero && !by_inner);
        self.keep(Block { ptr, layout, seed: 0 }, 0, zero);
        true
    }

    fn resize(&mut self, which: usize, size: usize) -> bool {
        assert_ne!(size, 0);
        let mut block = self.blocks.swap_remove(which);
        let old = block.layout.size();
        let layout = Layout::from_size_align(size, block.layout.align()).expect("small");
        // SAFETY: the block belongs to the user and has this layout; the new size is not 0.
        let ptr = unsafe { self.alloc.realloc(block.ptr, block.layout, size) };
        let moved = !ptr.is_null();
        if moved {
            (block.ptr, block.layout) = (ptr, layout);
        }
        let kept = if moved { old.min(size) } else { old };
        if !self.ink.is_in(block.seed, &block.bytes()[..kept]) {
            self.faults.push(Fault::Lost(block.layout));
        }
        if !moved {
            self.blocks.push(block);
            return false;
        }
        if size > old {
            count(&mut self.expected.on_alloc, size - old, self.policy.on_alloc);
        }
        if self.wipes(old.min(size)) {
            self.count_free(old);
        } else {
            self.unwiped += 1;
            if size < old {
                count(&mut self.expected.on_free, old - size, false);
            }
        }
        self.keep(block, old, self.policy.on_alloc);
        true
    }

    fn free(&mut self, mut block: Block) {
        let len = block.layout.size();
        if !self.ink.is_in(block.seed, block.bytes()) {
            self.faults.push(Fault::Lost(block.layout));
        }
        self.count_free(len);
        // SAFETY: the block belongs to the user, has this layout, and is freed once.
        unsafe { self.alloc.dealloc(block.ptr, block.layout) };
    }

    fn count_free(&mut self, len: usize) {
        let wiped = self.wipes(len);
        count(&mut self.expected.on_free, len, wiped);
        if wiped {
            self.wiped.push(len);
        } else {
            self.unwiped += 1;
        }
    }

    /// Checks the bytes of a block that are new to the user, those from `from` on, and fills it.
    fn keep(&mut self, mut block: Block, from: usize, zero: bool) {
        let layout = block.layout;
        let fresh = block.bytes().get(from..).unwrap_or_default();
        if zero && !is_all(0, fresh) {
            self.faults.push(Fault::NotZero(layout, from));
        } else if !zero && self.garbage.is_some_and(|byte| !is_all(byte, fresh)) {
            self.faults.push(Fault::Written(layout, from));
        }
        if block.ptr.addr() % layout.align() != 0 {
            self.faults.push(Fault::Misaligned(layout));
        }
        self.write(block);
    }

    fn write(&mut self, mut block: Block) {
        self.seed = self.seed.wrapping_add(1);
        block.seed = self.seed;
        self.ink.write(self.seed, block.bytes());
        self.blocks.push(block);
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
