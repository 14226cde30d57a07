//! The only path to the stores: every clear calls [`zero`], which first checks the range with
//! AddressSanitizer. Only this module calls the code of a primitive and `arch::zero_small`.
//! `reset` itself checks the pages that the kernel zeroes.

use core::ptr::NonNull;

use crate::page::{PAGE_SIZE, Page};
use crate::primitive::{AvailablePrimitive, Leaf, WeakLeaf};
use crate::{arch, checks};

/// The memory to zero, and the code for it.
#[derive(Clone, Copy)]
pub(crate) enum Clear<'a> {
    /// Address and bytes, both multiples of the primitive's block.
    Blocks(AvailablePrimitive, *mut u8, usize),
    /// Address and bytes, of any alignment; partial blocks are cleared with ordinary stores.
    Bytes(AvailablePrimitive, *mut u8, usize),
    /// Address and bytes, too few for the set-up cost of a primitive.
    Short(*mut u8, usize),
    /// Pages at any addresses, at least one.
    Pages(WeakLeaf, &'a [NonNull<Page>]),
}

impl AvailablePrimitive {
    /// Zeroes whole pages.
    pub fn clear_pages(self, pages: &mut [Page]) {
        // SAFETY: the slice is valid for writes; its address and length are multiples of a page.
        unsafe { zero(Clear::Blocks(self, pages.as_mut_ptr().cast(), size_of_val(pages))) }
    }

    /// Zeroes bytes of any alignment; partial blocks are cleared with ordinary stores.
    pub fn zero_bytes(self, bytes: &mut [u8]) {
        // SAFETY: the slice is valid for writes.
        unsafe { zero(Clear::Bytes(self, bytes.as_mut_ptr(), bytes.len())) }
    }
}

/// Checks memory with AddressSanitizer, then zeroes it.
///
/// # Safety
/// - The memory is valid for writes, unless its length is 0.
/// - Addresses and lengths are as [`Clear`] requires; multiples of a page always are.
/// - For [`Clear::Pages`], this CPU can run the primitive of the leaf.
#[inline(always)]
pub(crate) unsafe fn zero(what: Clear<'_>) {
    match what {
        Clear::Blocks(_, ptr, len) | Clear::Bytes(_, ptr, len) | Clear::Short(ptr, len) => {
            checks::check_write(ptr, len);
        }
        Clear::Pages(_, pages) => {
            pages.iter().for_each(|page| checks::check_write(page.as_ptr().cast(), PAGE_SIZE));
        }
    }
    // SAFETY: the caller's promises.
    unsafe {
        match what {
            Clear::Blocks(primitive, ptr, len) => blocks(primitive, ptr, len),
            Clear::Bytes(primitive, ptr, len) => bytes(primitive, ptr, len),
            Clear::Short(ptr, len) => arch::zero_small(ptr, len),
            // `NonNull<Page>` has the layout of `*mut u8`.
            Clear::Pages(leaf, pages) => leaf(pages.as_ptr().cast(), pages.len(), PAGE_SIZE),
        }
    }
}

/// # Safety
/// Those of [`zero`].
#[inline(always)]
unsafe fn blocks(primitive: AvailablePrimitive, ptr: *mut u8, len: usize) {
    if len == 0 {
        return;
    }
    // SAFETY: the caller's promises, the length is not 0, and `AvailablePrimitive` proves that this CPU has
    // the instructions.
    unsafe {
        match primitive.primitive().leaf {
            Leaf::Ordered(leaf) | Leaf::Tagging(leaf) => leaf(ptr, len),
            Leaf::Weak(leaf) => leaf(&ptr, 1, len),
        }
    }
}

/// # Safety
/// Those of [`zero`].
unsafe fn bytes(primitive: AvailablePrimitive, ptr: *mut u8, len: usize) {
    let block = primitive.primitive().block();
    let head = (ptr.addr().wrapping_neg() & (block - 1)).min(len);
    let body = (len - head) & !(block - 1);
    let tail = len - head - body;
    // SAFETY: the three parts make up the caller's range. The middle part is empty or starts and
    // ends at a block boundary.
    unsafe {
        if head != 0 {
            arch::zero_small(ptr, head);
        }
        blocks(primitive, ptr.add(head), body);
        if tail != 0 {
            arch::zero_small(ptr.add(head + body), tail);
        }
    }
}
