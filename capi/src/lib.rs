//! The C interface. `clearpage.h` is made from this crate by cbindgen: its comments are these.
//!
//! Each function checks its arguments and returns a code. None allocates, waits or unwinds.
#![cfg_attr(not(feature = "std"), no_std)]

mod code;
mod hooks;
#[cfg(not(feature = "std"))]
mod panic;
mod plan;

use core::ffi::{c_int, c_void};
use core::num::NonZeroUsize;
use core::ops::ControlFlow;
use core::ptr::NonNull;

use rust::{Intent, PAGE_SIZE, Page, raw};

use code::{
    CLEARPAGE_E_ALIGN, CLEARPAGE_E_CHUNK, CLEARPAGE_E_HOT, CLEARPAGE_E_INTENT, CLEARPAGE_E_LENGTH,
    CLEARPAGE_E_NULL,
};
use code::{CLEARPAGE_OK, Result, code_of};

/// The version of this header.
pub const CLEARPAGE_VERSION_MAJOR: u32 = 0;
/// The version of this header.
pub const CLEARPAGE_VERSION_MINOR: u32 = 1;
/// The version of this header.
pub const CLEARPAGE_VERSION_PATCH: u32 = 0;

/// The memory may be in the cache or not: the common case.
pub const CLEARPAGE_AUTO: u32 = 0;
/// The memory is used soon after the clear.
pub const CLEARPAGE_HOT: u32 = 1;
/// The memory is not used soon: clear it past the cache where that is faster.
pub const CLEARPAGE_COLD: u32 = 2;

const _: () = {
    const fn same(text: &str, number: u32) -> bool {
        let mut value = 0;
        let mut i = 0;
        while i < text.len() {
            value = value * 10 + (text.as_bytes()[i] - b'0') as u32;
            i += 1;
        }
        value == number
    }

    assert!(
        same(env!("CARGO_PKG_VERSION_MAJOR"), CLEARPAGE_VERSION_MAJOR)
            && same(env!("CARGO_PKG_VERSION_MINOR"), CLEARPAGE_VERSION_MINOR)
            && same(env!("CARGO_PKG_VERSION_PATCH"), CLEARPAGE_VERSION_PATCH),
        "CLEARPAGE_VERSION_* are the version of the package"
    );
};

/// Returns the version of the library: major << 16 | minor << 8 | patch.
#[no_mangle]
pub extern "C" fn clearpage_version() -> u32 {
    (CLEARPAGE_VERSION_MAJOR << 16) | (CLEARPAGE_VERSION_MINOR << 8) | CLEARPAGE_VERSION_PATCH
}

/// Returns the size of a page in bytes: 4096, or 16384 or 65536 if the library was built with
/// CLEARPAGE_PAGE_SHIFT=14 or 16. Every function uses this size; the system's may differ.
#[no_mangle]
pub extern "C" fn clearpage_page_size() -> usize {
    PAGE_SIZE
}

/// Zeroes one page.
///
/// # Safety
/// `page` is valid for writes of one page.
///
/// Returns CLEARPAGE_OK, CLEARPAGE_E_NULL, or CLEARPAGE_E_ALIGN if `page` is not a multiple of the
/// page size.
#[must_use]
#[no_mangle]
pub unsafe extern "C" fn clearpage_clear_page(page: *mut c_void) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { clearpage_clear_pages(page, 1, CLEARPAGE_AUTO) }
}

/// Zeroes `npages` contiguous pages for `intent`: CLEARPAGE_AUTO, CLEARPAGE_HOT or CLEARPAGE_COLD.
/// With 0 pages it does nothing, for any `pages`.
///
/// # Safety
/// `pages` is valid for writes of `npages` pages.
///
/// Returns CLEARPAGE_OK. Nothing is written if it returns CLEARPAGE_E_INTENT, CLEARPAGE_E_NULL,
/// CLEARPAGE_E_ALIGN if `pages` is not a multiple of the page size, or CLEARPAGE_E_LENGTH if the
/// pages are longer than PTRDIFF_MAX bytes or than the rest of the address space.
#[must_use]
#[no_mangle]
pub unsafe extern "C" fn clearpage_clear_pages(
    pages: *mut c_void,
    npages: usize,
    intent: u32,
) -> c_int {
    code_of(|| {
        let (intent, pages) = (self::intent(intent)?, range(pages, npages)?);
        // SAFETY: the caller's promise; the alignment is checked.
        unsafe { raw::clear_pages_for(pages, npages, intent) };
        Ok(CLEARPAGE_OK)
    })
}

/// Zeroes `npages` contiguous pages and leaves page `hot`, counted from 0, in the cache, with 32 KiB on either
/// side of it: for the fault handler of a huge page, of which one byte was touched.
///
/// # Safety
/// `pages` is valid for writes of `npages` pages.
///
/// Returns CLEARPAGE_OK. Nothing is written if it returns CLEARPAGE_E_HOT, because `hot` is not less
/// than `npages`, or CLEARPAGE_E_NULL, CLEARPAGE_E_ALIGN or CLEARPAGE_E_LENGTH as
/// clearpage_clear_pages does.
#[must_use]
#[no_mangle]
pub unsafe extern "C" fn clearpage_clear_pages_around(
    pages: *mut c_void,
    npages: usize,
    hot: usize,
) -> c_int {
    code_of(|| {
        let pages = range(pages, npages)?;
        if hot >= npages {
            return Err(CLEARPAGE_E_HOT);
        }
        // SAFETY: the caller's promise; the alignment is checked.
        unsafe { raw::clear_pages_around(pages, npages, hot) };
        Ok(CLEARPAGE_OK)
    })
}

/// Zeroes `npages` contiguous pages in chunks of `chunk` pages. Between two chunks it calls `between`
/// with the number of pages cleared so far, `done`, and with `argument`; if that returns a value other
/// than 0, the remaining pages are unchanged. `between` may be NULL. It must not throw or longjmp. If
/// `cleared` is not NULL, it receives the number of cleared pages.
///
/// # Safety
/// `pages` is valid for writes of `npages` pages; `cleared` is NULL or valid for a write; `between`
/// can be called with `argument`.
///
/// Returns CLEARPAGE_OK, also if `between` stopped it. Nothing is written if it returns
/// CLEARPAGE_E_CHUNK, because `chunk` is 0, or CLEARPAGE_E_INTENT, CLEARPAGE_E_NULL,
/// CLEARPAGE_E_ALIGN or CLEARPAGE_E_LENGTH as clearpage_clear_pages does.
#[must_use]
#[no_mangle]
pub unsafe extern "C" fn clearpage_clear_pages_chunked(
    pages: *mut c_void,
    npages: usize,
    chunk: usize,
    intent: u32,
    between: Option<unsafe extern "C" fn(done: usize, argument: *mut c_void) -> c_int>,
    argument: *mut c_void,
    cleared: *mut usize,
) -> c_int {
    code_of(|| {
        let (intent, pages) = (self::intent(intent)?, range(pages, npages)?);
        let chunk = NonZeroUsize::new(chunk).ok_or(CLEARPAGE_E_CHUNK)?;
        let between = |done| match between {
            // SAFETY: the caller's promise.
            Some(between) if unsafe { between(done, argument) } != 0 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        // SAFETY: the caller's promise; the alignment is checked.
        let done = unsafe { raw::clear_pages_chunked(pages, npages, chunk, intent, between) };
        if let Some(cleared) = NonNull::new(cleared) {
            // SAFETY: the caller's promise.
            unsafe { cleared.write(done) };
        }
        Ok(CLEARPAGE_OK)
    })
}

/// Zeroes `npages` pages at any addresses, listed in any order, with one fence for all of them where
/// the CPU needs a fence. With 0 pages it does nothing, for any `pages`.
///
/// # Safety
/// `pages` is an array of `npages` pointers, each valid for writes of one page. No part of the array
/// is in one of these pages.
///
/// Returns CLEARPAGE_OK. Nothing is written if it returns CLEARPAGE_E_INTENT, CLEARPAGE_E_NULL if
/// `pages` or one of its pointers is NULL, CLEARPAGE_E_ALIGN if one of them is not a multiple of the
/// page size, or CLEARPAGE_E_LENGTH if the array is longer than PTRDIFF_MAX bytes.
#[must_use]
#[no_mangle]
pub unsafe extern "C" fn clearpage_clear_scattered(
    pages: *const *mut c_void,
    npages: usize,
    intent: u32,
) -> c_int {
    code_of(|| {
        let intent = self::intent(intent)?;
        if npages == 0 {
            return Ok(CLEARPAGE_OK);
        }
        let list = pages.cast::<NonNull<Page>>();
        check(pages.cast_mut().cast(), npages.checked_mul(size_of::<NonNull<Page>>()))?;
        for i in 0..npages {
            // SAFETY: the caller's promise.
            page(unsafe { pages.add(i).read() })?;
        }
        // SAFETY: the caller's promise, and no pointer is NULL or misaligned.
        unsafe { raw::clear_scattered(core::slice::from_raw_parts(list, npages), intent) };
        Ok(CLEARPAGE_OK)
    })
}

/// Zeroes `len` bytes of any alignment for `intent`. With 0 bytes it does nothing, for any `bytes`.
///
/// # Safety
/// `bytes` is valid for writes of `len` bytes.
///
/// Returns CLEARPAGE_OK. Nothing is written if it returns CLEARPAGE_E_INTENT, CLEARPAGE_E_NULL, or
/// CLEARPAGE_E_LENGTH if `len` is more than PTRDIFF_MAX or than the rest of the address space.
#[must_use]
#[no_mangle]
pub unsafe extern "C" fn clearpage_zero(bytes: *mut c_void, len: usize, intent: u32) -> c_int {
    code_of(|| {
        let intent = self::intent(intent)?;
        check(bytes, Some(len))?;
        // SAFETY: the caller's promise.
        unsafe { raw::zero_bytes(bytes.cast(), len, intent) };
        Ok(CLEARPAGE_OK)
    })
}

fn intent(intent: u32) -> Result<Intent> {
    match intent {
        CLEARPAGE_AUTO => Ok(Intent::Auto),
        CLEARPAGE_HOT => Ok(Intent::Hot),
        CLEARPAGE_COLD => Ok(Intent::Cold),
        _ => Err(CLEARPAGE_E_INTENT),
    }
}

/// Checks contiguous pages.
fn range(pages: *mut c_void, npages: usize) -> Result<NonNull<Page>> {
    if npages == 0 {
        return Ok(NonNull::dangling());
    }
    let first = page(pages)?;
    check(pages, npages.checked_mul(PAGE_SIZE))?;
    Ok(first)
}

/// Checks the address of a page.
fn page(page: *mut c_void) -> Result<NonNull<Page>> {
    let page = NonNull::new(page.cast::<Page>()).ok_or(CLEARPAGE_E_NULL)?;
    if page.is_aligned() { Ok(page) } else { Err(CLEARPAGE_E_ALIGN) }
}

/// Checks a range of `len` bytes; `None` is more than a `usize`.
fn check(start: *mut c_void, len: Option<usize>) -> Result<()> {
    match len {
        Some(0) => Ok(()),
        _ if start.is_null() => Err(CLEARPAGE_E_NULL),
        // The last byte is at an address, too.
        Some(len) if len <= isize::MAX as usize && start.addr().checked_add(len - 1).is_some() => {
            Ok(())
        }
        _ => Err(CLEARPAGE_E_LENGTH),
    }
}
