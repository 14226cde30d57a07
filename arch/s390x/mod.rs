//! s390x: XC blocks, and MVCLE for what shall not fill the caches.
//!
//! Why Linux's memset here once met KASAN: Linux's `clear_page` on s390 is `memset`, not assembly
//! of its own as on x86 and arm64, and KASAN instruments `memset`, which checks the whole range
//! against its shadow. A `kmalloc` of whole pages has a redzone from the end of what was asked for
//! to the end of the last page. When it is freed under init_on_free the pages are cleared, redzone
//! and all, and KASAN reported an out-of-bounds write where nothing was wrong. So the kernel turns
//! KASAN off for the task while it clears, in what is `kernel_init_pages` today (commit
//! 9e15afa5a87a, "mm/page_alloc: silence a KASAN false positive", 2020). The leaves here are
//! assembly, which no sanitizer instruments: nothing has to be turned off around them, and nothing
//! checks the addresses that they are given.

mod ecag;
mod tuning;

mod mvcle;
mod xc;

pub(crate) use super::anonymous as identity;
pub(crate) use ecag::caches;
#[cfg(feature = "std")]
pub(crate) use tuning::MECHANISMS;
pub(crate) use tuning::tuning;

use crate::cpu::Flag;
use crate::primitive::Primitive;

pub(crate) static PRIMITIVES: &[Primitive] =
    &[xc::PRIMITIVE, mvcle::PRIMITIVE, super::generic::GENERIC];

/// None: what is used here is in every z/Architecture CPU.
pub(crate) fn flags() -> impl Iterator<Item = Flag> {
    core::iter::empty()
}

/// None: no instruction here clears a block of a size to be asked for.
pub(crate) const fn block() -> usize {
    0
}
