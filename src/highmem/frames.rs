//! Frames: pages by number, whether or not they have an address.

use core::fmt;

use crate::page::{Order, PAGE_SHIFT};

/// The number of a page frame: where it lies, in pages, in physical memory, in a file, in a guest.
///
/// 64 bits wide on every target: a 32-bit CPU may have more memory than addresses for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[doc(alias = "pfn")]
pub struct Frame(u64);

impl Frame {
    /// The frame that ends where 64 bits of byte address do.
    pub const MAX: Self = Self(u64::MAX >> PAGE_SHIFT);

    /// Frame `number`, or `None` above [`Frame::MAX`].
    pub const fn new(number: u64) -> Option<Self> {
        if number <= Self::MAX.0 { Some(Self(number)) } else { None }
    }

    /// The frame that holds the byte at `address`.
    #[doc(alias = "PHYS_PFN")]
    pub const fn containing(address: u64) -> Self {
        Self(address >> PAGE_SHIFT)
    }

    /// Its number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The address of its first byte.
    #[doc(alias = "PFN_PHYS")]
    pub const fn address(self) -> u64 {
        self.0 << PAGE_SHIFT
    }

    /// Whether a block of `order` may start here, as buddy allocators align theirs.
    pub const fn is_aligned(self, order: Order) -> bool {
        self.0.trailing_zeros() >= order.get()
    }

    /// Where the block of `order` that holds this frame starts.
    pub const fn align_down(self, order: Order) -> Self {
        Self(self.0 & (u64::MAX << order.get()))
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "frame {:#x}", self.0)
    }
}

/// Frames that follow one another. There may be none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Frames {
    start: Frame,
    npages: u64,
}

impl Frames {
    /// `npages` frames from `start` on.
    ///
    /// # Errors
    /// The last one would lie behind [`Frame::MAX`].
    pub const fn new(start: Frame, npages: u64) -> Result<Self, FrameOverflow> {
        if npages <= Frame::MAX.0 + 1 - start.0 {
            Ok(Self { start, npages })
        } else {
            Err(FrameOverflow { start, npages })
        }
    }

    /// The block of `order` that starts at `start`, aligned or not.
    ///
    /// # Errors
    /// As [`Frames::new`].
    pub const fn block(start: Frame, order: Order) -> Result<Self, FrameOverflow> {
        Self::new(start, order.npages() as u64)
    }

    /// The first one; where there is none, where it would be.
    pub const fn start(self) -> Frame {
        self.start
    }

    /// The number behind the last one. It may be one more than [`Frame::MAX`].
    pub const fn end(self) -> u64 {
        self.start.0 + self.npages
    }

    /// How many they are.
    pub const fn npages(self) -> u64 {
        self.npages
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.npages == 0
    }

    /// Whether `frame` is one of them.
    pub const fn contains(self, frame: Frame) -> bool {
        self.start.0 <= frame.0 && frame.0 < self.end()
    }

    /// The order that they are a block of: their number is a power of two, and they are aligned
    /// to it.
    pub const fn order(self) -> Option<Order> {
        if !self.npages.is_power_of_two() {
            return None;
        }
        match Order::new(self.npages.trailing_zeros()) {
            Some(order) if self.start.is_aligned(order) => Some(order),
            _ => None,
        }
    }

    /// The first `npages` of them, all if they are fewer; and the others.
    pub const fn split_at(self, npages: u64) -> (Self, Self) {
        let npages = if npages < self.npages { npages } else { self.npages };
        let first = Self { start: self.start, npages };
        // Behind the last frame of all there is none to start at.
        let start = if npages == self.npages { self.start.0 } else { self.start.0 + npages };
        (first, Self { start: Frame(start), npages: self.npages - npages })
    }

    /// Those that are also among `other`.
    pub const fn intersection(self, other: Self) -> Self {
        let start = if self.start.0 > other.start.0 { self.start } else { other.start };
        let end = if self.end() < other.end() { self.end() } else { other.end() };
        Self { start, npages: end.saturating_sub(start.0) }
    }

    /// Each of them.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Frame> + Clone {
        (self.start.0..self.end()).map(Frame)
    }

    /// The fewest aligned blocks that they consist of, as a buddy allocator takes them in.
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

impl From<Frame> for Frames {
    fn from(frame: Frame) -> Self {
        Self { start: frame, npages: 1 }
    }
}

impl fmt::Display for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pages from {}", self.npages, self.start)
    }
}

/// Frames that would lie behind [`Frame::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameOverflow {
    /// The first one asked for.
    pub start: Frame,
    /// How many.
    pub npages: u64,
}

impl fmt::Display for FrameOverflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { start, npages } = self;
        write!(f, "{npages} pages from {start} reach past the last one, {}", Frame::MAX)
    }
}

impl core::error::Error for FrameOverflow {}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    fn frame(number: u64) -> Frame {
        Frame::new(number).expect("small")
    }

    #[test]
    fn frames_end_where_addresses_do() {
        let last = Frame::MAX;
        assert_eq!(last.address(), u64::MAX << PAGE_SHIFT);
        assert_eq!(Frame::containing(u64::MAX), last);
        assert_eq!(Frame::new(last.get() + 1), None);
        assert_eq!(Frames::new(last, 1).map(Frames::end), Ok(last.get() + 1));
        for (start, npages) in [(last, 2), (last, u64::MAX), (frame(1), last.get() + 1)] {
            let error = Frames::new(start, npages).unwrap_err();
            assert_eq!(error, FrameOverflow { start, npages });
            assert!(error.to_string().contains(&format!("{npages} pages from {start}")));
        }
        let all = Frames::new(Frame::default(), last.get() + 1).expect("all there are");
        assert!(all.contains(last));
        assert_eq!(all.split_at(u64::MAX), (all, Frames { start: frame(0), npages: 0 }));
    }

    #[test]
    fn blocks_are_aligned_to_their_order() {
        let order = Order::new(9).expect("small");
        assert!(frame(1024).is_aligned(order) && !frame(1025).is_aligned(order));
        assert_eq!(frame(1025).align_down(order), frame(1024));
        let block = Frames::block(frame(1024), order).expect("small");
        assert_eq!((block.npages(), block.order()), (512, Some(order)));
        assert_eq!(Frames::block(frame(1025), order).map(Frames::order), Ok(None));
        assert_eq!(Frames::new(frame(0), 3).map(Frames::order), Ok(None));
    }

    quickcheck! {
        fn blocks_make_up_the_frames(start: u32, npages: u16) -> bool {
            let frames = Frames::new(frame(start.into()), npages.into()).expect("small");
            let blocks: Vec<_> = frames.blocks().collect();
            let all: Vec<_> = blocks.iter().flat_map(|block| block.iter()).collect();
            all == frames.iter().collect::<Vec<_>>()
                && blocks.iter().all(|block| block.order().is_some())
                // Buddies next to each other would have been one block.
                && blocks.windows(2).all(|pair| {
                    pair[0].npages() != pair[1].npages()
                        || !pair[0].start().is_aligned(Order::holding(2 * pair[0].npages() as usize).expect("small"))
                })
        }

        fn parts_make_up_the_frames(start: u32, npages: u16, at: u16) -> bool {
            let frames = Frames::new(frame(start.into()), npages.into()).expect("small");
            let (first, rest) = frames.split_at(at.into());
            first.npages() == u64::from(npages.min(at))
                && first.iter().chain(rest.iter()).eq(frames.iter())
        }

        fn an_intersection_is_what_both_hold(a: (u8, u8), b: (u8, u8)) -> bool {
            let frames = |(start, npages): (u8, u8)| {
                Frames::new(frame(start.into()), npages.into()).expect("small")
            };
            let (a, b) = (frames(a), frames(b));
            a.intersection(b).iter().eq(a.iter().filter(|&f| b.contains(f)))
        }
    }
}
