//! Zeroes page-aligned memory with the fastest instruction this CPU has for the case at hand.
//!
//! The primitives are chosen once, at the first call. After that, a call costs one relaxed load
//! to look up the primitive and one indirect call.
//!
//! ```
//! use clearpage::{Intent, Page};
//!
//! let mut pages = vec![Page::ZERO; 16];
//! clearpage::clear_page(&mut pages[0]);
//! clearpage::clear_pages(&mut pages);
//! clearpage::clear_pages_for(&mut pages, Intent::Cold);
//! ```
//!
//! [Which call do I want?](guide) lists the call for each use, and the cost of a wrong intent.
#![cfg_attr(not(any(feature = "std", test)), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(clearpage_ppc_asm_feature, feature(asm_experimental_arch))]
#![cfg_attr(clearpage_asan, feature(sanitize))]

#[doc = include_str!("../docs/which-call.md")]
pub mod guide {}

mod around;
mod built_for;
mod chunked;
mod clear;
pub mod cpu;
mod dispatch;
mod door;
#[cfg(all(feature = "std", unix))]
mod environment;
pub mod highmem;
pub mod hooks;
mod intent;
#[cfg(feature = "std")]
mod os;
mod page;
mod primitive;
pub mod raw;
mod sanitizer;
mod scattered;
mod settings;
#[cfg(feature = "std")]
mod sync;
mod tuning;
mod tuning_text;

#[path = "../arch/mod.rs"]
mod arch;

pub use around::clear_pages_around;
pub use chunked::clear_pages_chunked;
pub use clear::{
    clear_page, clear_page_uninit, clear_pages, clear_pages_for, clear_pages_uninit,
    clear_pages_uninit_for, zero_bytes, zero_bytes_uninit,
};
pub use dispatch::{ForceError, InitError, force, init, plan, unforce};
#[cfg(all(feature = "std", unix))]
pub use environment::{FileError, Variable};
pub use intent::Intent;
#[cfg(all(feature = "std", any(target_os = "linux", target_os = "android")))]
pub use os::file_frames;
#[cfg(feature = "std")]
pub use os::{measure, parallel, pool, prefault, reset};
pub use page::{Order, PAGE_SHIFT, PAGE_SIZE, Page};
pub use primitive::{Available, Primitive, Registers, Store, Unavailable, primitives};
pub use scattered::clear_scattered;
pub use tuning::{Tuning, WrongIsa};
pub use tuning_text::TuningError;
