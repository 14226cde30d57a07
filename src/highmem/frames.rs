//! Page frames: pages identified by number, whether or not they have an address.

use core::fmt;

use crate::page::{Order, PAGE_SHIFT};

/// A page frame number: the position in pages in physical memory, a file or a guest.
///
/// 64 bits wide on every target, because a 32-bit CPU may have more memory than address space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[doc(alias = "pfn")]
pub struct Frame(u64);

impl Frame {
    /// The last frame that 64-bit byte addresses reach.
    pub const MAX: Self = Self(u64::MAX >> PAGE_SHIFT);

    /// Creates frame `number`, or returns `None` above [`Frame::MAX`].
    pub const fn new(number: u64) -> Option<Self> {
        if number <= Self::MAX.0 { Some(Self(number)) } else { None }
    }

    /// Returns the frame that contains the byte at `address`.
    #[doc(alias = "PHYS_PFN")]
    pub const fn containing(address: u64) -> Self {
        Self(address >> PAGE_SHIFT)
    }

    /// Returns the frame number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the address of the frame's first byte.
    #[doc(alias = "PFN_PHYS")]
    pub const fn address(self) -> u64 {
        self.0 << PAGE_SHIFT
    }

    /// Returns whether the frame is aligned to a block of `order`, as in a buddy allocator.
    pub const fn is_aligned(self, order: Order) -> bool {
        self.0.trailing_zeros() >= order.get()
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "frame {:#x}", self.0)
    }
}

/// A contiguous range of frames, possibly empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameRange {
    start: Frame,
    npages: u64,
}

impl FrameRange {
    /// Creates a range of `npages` frames from `start` on.
    pub const fn new(start: Frame, npages: u64) -> Result<Self, FrameOverflow> {
        if npages <= Frame::MAX.0 + 1 - start.0 {
            Ok(Self { start, npages })
        } else {
            Err(FrameOverflow { start, npages })
        }
    }

    /// Creates the block of `order` at `start`, aligned or not.
    pub const fn block(start: Frame, order: Order) -> Result<Self, FrameOverflow> {
        Self::new(start, order.npages() as u64)
    }

    /// Returns the frames that contain the `len` bytes from `address` on; none if `len` is 0.
    /// The bytes past the end of the address space are left out.
    pub const fn containing(address: u64, len: u64) -> Self {
        let start = Frame::containing(address);
        if len == 0 {
            return Self { start, npages: 0 };
        }
        let last = Frame::containing(address.saturating_add(len - 1));
        Self { start, npages: last.0 - start.0 + 1 }
    }

    /// Returns the first frame, or where it would be if the range is empty.
    pub const fn start(self) -> Frame {
        self.start
    }

    /// Returns the number after the last frame, which may be one more than [`Frame::MAX`].
    pub const fn end(self) -> u64 {
        self.start.0 + self.npages
    }

    /// Returns the number of frames.
    pub const fn npages(self) -> u64 {
        self.npages
    }

    /// Returns whether the range is empty.
    pub const fn is_empty(self) -> bool {
        self.npages == 0
    }

    /// Returns whether the range contains `frame`.
    pub const fn contains(self, frame: Frame) -> bool {
        self.start.0 <= frame.0 && frame.0 < self.end()
    }

    /// Returns the order if the frames form one aligned block: their number is a power of two and
    /// they are aligned to it.
    pub const fn order(self) -> Option<Order> {
        if !self.npages.is_power_of_two() {
            return None;
        }
        match Order::new(self.npages.trailing_zeros()) {
            Some(order) if self.start.is_aligned(order) => Some(order),
            _ => None,
        }
    }

    /// Splits off the first `npages` frames, or all if there are fewer. Returns them and the rest.
    pub const fn split_at(self, npages: u64) -> (Self, Self) {
        let npages = if npages < self.npages { npages } else { self.npages };
        let first = Self { start: self.start, npages };
        // An empty rest starts at `start`: its own position may be past `Frame::MAX`.
        let start = if npages == self.npages { self.start.0 } else { self.start.0 + npages };
        (first, Self { start: Frame(start), npages: self.npages - npages })
    }

    /// Returns the frames that are also in `other`.
    pub const fn intersection(self, other: Self) -> Self {
        let start = if self.start.0 > other.start.0 { self.start } else { other.start };
        let end = if self.end() < other.end() { self.end() } else { other.end() };
        Self { start, npages: end.saturating_sub(start.0) }
    }

    /// Iterates over the frames.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Frame> + Clone {
        (self.start.0..self.end()).map(Frame)
    }

    /// Splits the frames into the fewest aligned blocks, for a buddy allocator's free lists.
    pub fn blocks(self) -> impl Iterator<Item = Self> + Clone {
        let mut left = self;
        core::iter::from_fn(move || {
            let size = left.npages.checked_ilog2()?;
            let order = left.start.0.trailing_zeros().min(size).min(Order::MAX.get());
            let (block, rest) = left.split_at(1 << order);
            left = rest;
            Some(block)
        })
    }
}

impl From<Frame> for FrameRange {
    fn from(frame: Frame) -> Self {
        Self { start: frame, npages: 1 }
    }
}

impl fmt::Display for FrameRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pages from {}", self.npages, self.start)
    }
}

/// An error: the frames would exceed [`Frame::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FrameOverflow {
    /// The first frame requested.
    pub start: Frame,
    /// The number of frames requested.
    pub npages: u64,
}

impl fmt::Display for FrameOverflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { start, npages } = self;
        write!(f, "{npages} pages from {start} reach past the last one, {}", Frame::MAX)
    }
}

impl core::error::Error for FrameOverflow {}
