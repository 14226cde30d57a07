//! s390x: XC blocks, and MVCLE for memory that should bypass the caches.
//!
//! Why Linux once had KASAN reports here: its `clear_page` on s390 is `memset`, not assembly as on
//! x86 and arm64, and KASAN instruments `memset`, which checks the whole range against its shadow.
//! A `kmalloc` of whole pages has a redzone from the end of the request to the end of the last
//! page. When it is freed under init_on_free, the pages are cleared with their redzone, and KASAN
//! reported an out-of-bounds write although nothing was wrong. So the kernel turns KASAN off for
//! the task while it clears, in what is `kernel_init_pages` today (commit 9e15afa5a87a,
//! "mm/page_alloc: silence a KASAN false positive", 2020). The leaves here are assembly, which no
//! sanitizer instruments: nothing has to be turned off around them, and nothing checks their
//! addresses.

mod ecag;
mod tuning;

mod mvcle;
mod xc;

pub(crate) use super::generic::*;
pub(crate) use ecag::caches;
pub(crate) use tuning::{MECHANISMS, tuning};

use crate::primitive::Primitive;

pub(crate) static PRIMITIVES: &[Primitive] = &[xc::PRIMITIVE, mvcle::PRIMITIVE, GENERIC];
