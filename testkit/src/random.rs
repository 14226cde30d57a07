//! Random numbers, and random steps of a user of an allocator.

use std::alloc::Layout;

use crate::user::Step;

/// A xorshift generator: the same numbers for the same seed.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Creates a generator.
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Returns the next number, below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % limit
    }

    /// Returns a size, usually up to 256 bytes, rarely up to 1 MiB.
    fn size(&mut self) -> usize {
        let limit = match self.below(500) {
            0 => 1 << 20,
            1..50 => 32 << 10,
            50..200 => 2 << 10,
            _ => 256,
        };
        1 + self.below(limit)
    }

    fn layout(&mut self) -> Layout {
        let bits = if self.below(20) == 0 { 14 } else { 5 };
        Layout::from_size_align(self.size(), 1 << self.below(bits)).expect("small")
    }

    /// Returns a step for a user that has `blocks` blocks and may hold `limit`.
    pub fn step(&mut self, blocks: usize, limit: usize) -> Step {
        let which = self.below(limit);
        match self.below(8) {
            0..3 if blocks < limit => Step::Alloc(self.layout()),
            3 if blocks < limit => Step::Zeroed(self.layout()),
            4..6 => Step::Realloc(which, self.size()),
            _ => Step::Dealloc(which),
        }
    }
}
