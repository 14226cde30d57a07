//! Pages: the unit of everything here.

use core::fmt;

/// log2 of [`PAGE_SIZE`]: 12 unless the build set `CLEARPAGE_PAGE_SHIFT` to 14 or 16.
pub const PAGE_SHIFT: u32 = if cfg!(clearpage_page_shift = "16") {
    16
} else if cfg!(clearpage_page_shift = "14") {
    14
} else {
    12
};

/// Bytes in a page: 4096, 16384 or 65536, fixed when the crate is built.
pub const PAGE_SIZE: usize = 1 << PAGE_SHIFT;

/// One page of memory: [`PAGE_SIZE`] bytes, aligned to [`PAGE_SIZE`].
///
/// Any bytes are a valid page, so page-aligned memory of any origin may be viewed as `[Page]`.
#[derive(Clone)]
#[repr(C)]
#[cfg_attr(clearpage_page_shift = "12", repr(align(4096)))]
#[cfg_attr(clearpage_page_shift = "14", repr(align(16384)))]
#[cfg_attr(clearpage_page_shift = "16", repr(align(65536)))]
pub struct Page([u8; PAGE_SIZE]);

impl Page {
    /// A page of zeroes. It lives where you put it: a `static`, a `Box`, rarely the stack.
    pub const ZERO: Self = Self([0; PAGE_SIZE]);

    /// The page's bytes.
    pub const fn as_bytes(&self) -> &[u8; PAGE_SIZE] {
        &self.0
    }

    /// The page's bytes, to write.
    pub const fn as_bytes_mut(&mut self) -> &mut [u8; PAGE_SIZE] {
        &mut self.0
    }

    /// Splits bytes into what comes before the first page boundary, the whole pages, and the rest.
    pub fn split_bytes_mut(bytes: &mut [u8]) -> (&mut [u8], &mut [Page], &mut [u8]) {
        // SAFETY: every bit pattern is a valid Page, and a Page is nothing but bytes.
        unsafe { bytes.align_to_mut() }
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Page(at {:p})", self.0.as_ptr())
    }
}

/// A power-of-two number of pages, as buddy allocators count: order `n` is `1 << n` pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Order(u8);

impl Order {
    /// One page.
    pub const ZERO: Self = Self(0);

    /// The largest order whose size in bytes still fits an allocation (`isize::MAX`).
    pub const MAX: Self = Self((usize::BITS - 2 - PAGE_SHIFT) as u8);

    /// The order `order`, or `None` above [`Order::MAX`].
    pub const fn new(order: u32) -> Option<Self> {
        if order <= Self::MAX.0 as u32 { Some(Self(order as u8)) } else { None }
    }

    /// The smallest order that holds `npages` pages; `None` if no order does. 0 pages take one.
    pub const fn holding(npages: usize) -> Option<Self> {
        match npages.checked_next_power_of_two() {
            Some(n) => Self::new(n.trailing_zeros()),
            None => None,
        }
    }

    /// The order as a number.
    pub const fn get(self) -> u32 {
        self.0 as u32
    }

    /// Pages in a block of this order.
    pub const fn npages(self) -> usize {
        1 << self.0
    }

    /// Bytes in a block of this order.
    pub const fn size(self) -> usize {
        self.npages() << PAGE_SHIFT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_its_bytes() {
        assert_eq!(size_of::<Page>(), PAGE_SIZE);
        assert_eq!(align_of::<Page>(), PAGE_SIZE);
        assert!(Page::ZERO.as_bytes().iter().all(|&b| b == 0));
    }

    #[test]
    fn orders_stop_where_allocations_do() {
        assert_eq!(Order::ZERO.size(), PAGE_SIZE);
        assert!(Order::MAX.size() <= isize::MAX as usize);
        assert!(Order::MAX.size() > isize::MAX as usize / 2);
        assert_eq!(Order::new(Order::MAX.get() + 1), None);
        assert_eq!(Order::new(u32::MAX), None);
    }

    #[test]
    fn holding_rounds_up() {
        for (npages, order) in [(0, 0), (1, 0), (2, 1), (3, 2), (512, 9), (513, 10)] {
            assert_eq!(Order::holding(npages), Order::new(order), "{npages} pages");
        }
        assert_eq!(Order::holding(usize::MAX), None);
        assert_eq!(Order::holding(1 << (usize::BITS - 1)), None);
    }

    #[test]
    fn bytes_split_at_page_boundaries() {
        let mut pages = [const { Page::ZERO }; 3];
        let bytes = pages.as_mut_slice();
        // SAFETY: a Page is nothing but bytes.
        let bytes = unsafe { bytes.align_to_mut::<u8>().1 };
        let (head, middle, tail) = Page::split_bytes_mut(&mut bytes[1..2 * PAGE_SIZE + 5]);
        assert_eq!((head.len(), middle.len(), tail.len()), (PAGE_SIZE - 1, 1, 5));
    }
}
