//! A user of an allocator, who says what is wrong.

use std::alloc::{GlobalAlloc, Layout};

use clearpage::hooks::{Counts, InitPolicy};

use super::{Random, is_all};
use crate::count;

/// What a user writes. In the two inks no byte is the same, and none is 0: memory that is the same
/// whichever was used holds nothing of the user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Bytes below 0x80.
    Blue,
    /// Their opposites.
    Red,
}

impl Ink {
    /// How every word begins.
    const MARK: [u8; 4] = [0x5e, 0x13, 0x77, 0x2b];

    /// The bytes of the block number `seed`: words, each a mark and a number.
    pub fn bytes(self, seed: u32) -> impl Iterator<Item = u8> {
        let flip = match self {
            Self::Blue => 0,
            Self::Red => 0x80,
        };
        (0_u32..).flat_map(move |word| {
            let number = (seed ^ word.wrapping_mul(0x9e37_79b9)).to_le_bytes();
            let number = number.map(|byte| byte & 0x7f | 1);
            Self::MARK.into_iter().chain(number).map(move |byte| byte ^ flip)
        })
    }

    /// Writes them.
    pub fn write(self, seed: u32, bytes: &mut [u8]) {
        bytes.iter_mut().zip(self.bytes(seed)).for_each(|(to, from)| *to = from);
    }

    /// Whether they are there.
    pub fn is_in(self, seed: u32, bytes: &[u8]) -> bool {
        bytes.iter().zip(self.bytes(seed)).all(|(is, was)| *is == was)
    }

    /// How many words of this ink are anywhere in `bytes`, aligned or not.
    pub fn found_in(self, bytes: &[u8]) -> usize {
        let mut mark = [0; 4];
        self.write(0, &mut mark);
        bytes.windows(4).filter(|window| *window == mark).count()
    }
}

/// What a user found wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Blocks that should have been zero.
    pub not_zero: usize,
    /// Blocks that were not as their user left them: lost, or had by two.
    pub lost: usize,
    /// Blocks not aligned as asked for.
    pub misaligned: usize,
}

/// A block, and from what its contents are made.
#[derive(Debug)]
struct Block {
    ptr: *mut u8,
    layout: Layout,
    seed: u32,
}

impl Block {
    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the block is the user's. That it is initialised, `User` was promised.
        unsafe { std::slice::from_raw_parts_mut(self.ptr, self.layout.size()) }
    }
}

/// What one user gives to another.
#[derive(Debug)]
pub struct Parcel(Block);

// SAFETY: a block is its owner's alone, whichever thread that is.
unsafe impl Send for Parcel {}

/// A user of `alloc`, which follows `policy`.
#[derive(Debug)]
pub struct User<'a, A> {
    alloc: &'a A,
    policy: InitPolicy,
    ink: Ink,
    blocks: Vec<Block>,
    seed: u32,
    /// What was wrong so far.
    pub faults: Faults,
    /// What the statistics of a `ClearingAlloc` should be.
    pub expected: Counts,
}

impl<'a, A: GlobalAlloc> User<'a, A> {
    /// A user without a block yet; `seed` makes what it writes its own.
    ///
    /// # Safety
    /// `alloc` has memory that is initialised.
    pub unsafe fn new(alloc: &'a A, policy: InitPolicy, ink: Ink, seed: u32) -> Self {
        let (faults, expected) = Default::default();
        Self { alloc, policy, ink, blocks: vec![], seed, faults, expected }
    }

    /// Allocates; whether it could.
    pub fn alloc(&mut self, layout: Layout) -> bool {
        assert_ne!(layout.size(), 0);
        // SAFETY: not of 0 bytes.
        let ptr = unsafe { self.alloc.alloc(layout) };
        self.take(ptr, layout, self.policy.on_alloc, self.policy.on_alloc)
    }

    /// Allocates zeroes; whether it could.
    pub fn alloc_zeroed(&mut self, layout: Layout) -> bool {
        assert_ne!(layout.size(), 0);
        // SAFETY: not of 0 bytes.
        let ptr = unsafe { self.alloc.alloc_zeroed(layout) };
        self.take(ptr, layout, true, false)
    }

    /// Resizes one of the blocks; whether it could.
    pub fn realloc(&mut self, which: usize, size: usize) -> bool {
        assert_ne!(size, 0);
        let mut block = self.blocks.swap_remove(which % self.blocks.len());
        let (old, align) = (block.layout.size(), block.layout.align());
        let layout = Layout::from_size_align(size, align).expect("a size that there is");
        // SAFETY: the block is ours, of that layout; the new size is one.
        let ptr = unsafe { self.alloc.realloc(block.ptr, block.layout, size) };
        if ptr.is_null() {
            self.blocks.push(block);
            return false;
        }
        if self.policy.on_free {
            count(&mut self.expected.on_free, old, true);
        } else if size < old {
            count(&mut self.expected.on_free, old - size, false);
        }
        if size > old {
            count(&mut self.expected.on_alloc, size - old, self.policy.on_alloc);
        }
        (block.ptr, block.layout) = (ptr, layout);
        self.faults.lost +=
            usize::from(!self.ink.is_in(block.seed, &block.bytes()[..old.min(size)]));
        self.keep(block, old, self.policy.on_alloc);
        true
    }

    /// Frees one of the blocks.
    pub fn dealloc(&mut self, which: usize) {
        let mut block = self.blocks.swap_remove(which % self.blocks.len());
        self.faults.lost += usize::from(!self.ink.is_in(block.seed, block.bytes()));
        count(&mut self.expected.on_free, block.layout.size(), self.policy.on_free);
        // SAFETY: the block is ours, of that layout, and given back once.
        unsafe { self.alloc.dealloc(block.ptr, block.layout) };
    }

    /// One of these at random, of at most `blocks` blocks, short ones mostly.
    pub fn step(&mut self, random: &mut Random, blocks: usize) {
        let limit = match random.below(500) {
            0 => 1 << 20,
            1..50 => 32 << 10,
            50..200 => 2 << 10,
            _ => 256,
        };
        let size = 1 + random.below(limit);
        let bits = if random.below(20) == 0 { 14 } else { 5 };
        let align = 1 << random.below(bits);
        let layout = Layout::from_size_align(size, align).expect("short");
        let which = random.below(blocks);
        match random.below(8) {
            0..3 if self.blocks.len() < blocks => _ = self.alloc(layout),
            3 if self.blocks.len() < blocks => _ = self.alloc_zeroed(layout),
            _ if self.blocks.is_empty() => {}
            4..6 => _ = self.realloc(which, size),
            _ => self.dealloc(which),
        }
    }

    /// Frees everything.
    pub fn finish(&mut self) {
        while !self.blocks.is_empty() {
            self.dealloc(0);
        }
    }

    /// Gives a block away, if there is one.
    pub fn give(&mut self) -> Option<Parcel> {
        self.blocks.pop().map(Parcel)
    }

    /// Takes a block from another user of this allocator, of this ink.
    pub fn accept(&mut self, Parcel(block): Parcel) {
        self.blocks.push(block);
    }

    fn take(&mut self, ptr: *mut u8, layout: Layout, zero: bool, cleared: bool) -> bool {
        if ptr.is_null() {
            return false;
        }
        count(&mut self.expected.on_alloc, layout.size(), cleared);
        self.seed = self.seed.wrapping_add(1);
        self.keep(Block { ptr, layout, seed: self.seed }, 0, zero);
        true
    }

    /// What the block holds from `from` on is new to the user.
    fn keep(&mut self, mut block: Block, from: usize, zero: bool) {
        let fresh = block.bytes().get(from..).unwrap_or_default();
        self.faults.not_zero += usize::from(zero && !is_all(0, fresh));
        self.faults.misaligned += usize::from(block.ptr.addr() % block.layout.align() != 0);
        let (ink, seed) = (self.ink, block.seed);
        ink.write(seed, block.bytes());
        self.blocks.push(block);
    }
}
