//! Pages, and the power-of-two orders that count them.

use core::fmt;

/// log2 of [`PAGE_SIZE`]. Default: 12; the build can set `CLEARPAGE_PAGE_SHIFT` to 14 or 16.
pub const PAGE_SHIFT: u32 = if cfg!(clearpage_page_shift = "16") {
    16
} else if cfg!(clearpage_page_shift = "14") {
    14
} else {
    12
};

/// Page size in bytes: 4096, 16384 or 65536, fixed when the crate is built.
pub const PAGE_SIZE: usize = 1 << PAGE_SHIFT;

/// One page of memory: [`PAGE_SIZE`] bytes, aligned to [`PAGE_SIZE`].
///
/// Every bit pattern is valid, so any initialised page-aligned memory can be viewed as `[Page]`.
#[derive(Clone)]
#[repr(C)]
#[cfg_attr(clearpage_page_shift = "12", repr(align(4096)))]
#[cfg_attr(clearpage_page_shift = "14", repr(align(16384)))]
#[cfg_attr(clearpage_page_shift = "16", repr(align(65536)))]
pub struct Page([u8; PAGE_SIZE]);

impl Page {
    /// A page of zeroes, for a `static` or a `Vec`. On the stack it takes [`PAGE_SIZE`] bytes.
    pub const ZERO: Self = Self([0; PAGE_SIZE]);

    /// Returns the bytes of the page.
    pub const fn as_bytes(&self) -> &[u8; PAGE_SIZE] {
        &self.0
    }

    /// Returns the bytes of the page for writing.
    pub const fn as_bytes_mut(&mut self) -> &mut [u8; PAGE_SIZE] {
        &mut self.0
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Page(at {:p})", self.0.as_ptr())
    }
}

/// The order of a block, as in buddy allocators: a block of order `n` has `1 << n` pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Order(u8);

impl Order {
    /// The order of one page.
    pub const ZERO: Self = Self(0);

    /// The largest order whose size in bytes is at most `isize::MAX`, the limit of an allocation.
    pub const MAX: Self = Self((usize::BITS - 2 - PAGE_SHIFT) as u8);

    /// Creates the order `order`; returns `None` above [`Order::MAX`].
    pub const fn new(order: u32) -> Option<Self> {
        if order <= Self::MAX.0 as u32 { Some(Self(order as u8)) } else { None }
    }

    /// Returns the smallest order that holds `npages` pages (0 pages: order 0), if there is one.
    pub const fn for_pages(npages: usize) -> Option<Self> {
        match npages.checked_next_power_of_two() {
            Some(n) => Self::new(n.trailing_zeros()),
            None => None,
        }
    }

    /// Returns the order as a number.
    pub const fn get(self) -> u32 {
        self.0 as u32
    }

    /// Returns the number of pages in a block of this order.
    pub const fn npages(self) -> usize {
        1 << self.0
    }

    /// Returns the number of bytes in a block of this order.
    pub const fn bytes(self) -> usize {
        self.npages() << PAGE_SHIFT
    }
}
