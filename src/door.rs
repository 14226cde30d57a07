//! The one door to the stores: every clear passes [`zero`], where AddressSanitizer is asked.
//! Nothing else calls the code of a primitive, or `arch::zero_small`. `reset` asks by
//! itself for the pages that the system makes zero.

use core::ptr::NonNull;

use crate::page::{PAGE_SIZE, Page};
use crate::primitive::{Available, Leaf, WeakLeaf};
use crate::{arch, sanitizer};

/// What is to be zero, and by what.
#[derive(Clone, Copy)]
pub(crate) enum Clear<'a> {
    /// Address and bytes, both multiples of the primitive's block.
    Blocks(Available, *mut u8, usize),
    /// Address and bytes; those outside whole blocks are cleared with ordinary stores.
    Bytes(Available, *mut u8, usize),
    /// Address and bytes, too few for a primitive to pay.
    Short(*mut u8, usize),
    /// Pages that lie anywhere; there is at least one.
    Pages(WeakLeaf, &'a [NonNull<Page>]),
}

/// Zeroes memory.
///
/// # Safety
/// - The memory is valid for writes; 0 bytes may be at any address.
/// - Addresses and lengths are as [`Clear`] describes them; page-aligned always is.
/// - If it is by a [`WeakLeaf`], this CPU has its primitive.
#[inline(always)]
pub(crate) unsafe fn zero(what: Clear<'_>) {
    match what {
        Clear::Blocks(_, ptr, len) | Clear::Bytes(_, ptr, len) | Clear::Short(ptr, len) => {
            sanitizer::check_write(ptr, len);
        }
        Clear::Pages(_, pages) => sanitizer::check_pages(pages),
    }
    // SAFETY: the caller's promises.
    unsafe {
        match what {
            Clear::Blocks(primitive, ptr, len) => blocks(primitive, ptr, len),
            Clear::Bytes(primitive, ptr, len) => bytes(primitive, ptr, len),
            Clear::Short(ptr, len) => arch::zero_small(ptr, len),
            // A NonNull<Page> is an address.
            Clear::Pages(leaf, pages) => leaf(pages.as_ptr().cast(), pages.len(), PAGE_SIZE),
        }
    }
}

/// # Safety
/// Those of [`zero`].
#[inline(always)]
unsafe fn blocks(primitive: Available, ptr: *mut u8, len: usize) {
    if len == 0 {
        return;
    }
    // SAFETY: the caller's promises, the length is not 0, and an `Available` proves that the CPU has
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
unsafe fn bytes(primitive: Available, ptr: *mut u8, len: usize) {
    let block = primitive.primitive().block();
    let head = (ptr.addr().wrapping_neg() & (block - 1)).min(len);
    let body = (len - head) & !(block - 1);
    let tail = len - head - body;
    // SAFETY: the three parts make up the caller's range, and the middle one starts and ends at a
    // block boundary.
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
