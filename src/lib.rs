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
//! Zeroed memory from the operating system (first touch, threads, files, resets, pools) is in the
//! package `clearpage-os`.
//!
//! # Items that not every build has
//! - With `std` (default): [`checks::AddressSanitizer`]. The library is otherwise the same: `std`
//!   lets it ask the system for hardware capabilities and microcode.
//! - With `std`, on Unix and Windows: [`hooks::init_policy_from_env`], [`hooks::PolicyError`], [`Variable`],
//!   [`FileError`], and the variants of [`InitError`] about variables: [`init`] reads
//!   `CLEARPAGE_FORCE` and `CLEARPAGE_TUNING`.
//! - With 64-bit atomics: [`hooks::Counters`].
//! - [`primitives`] and [`cpu::flags`] depend on the ISA; [`PAGE_SIZE`] on `CLEARPAGE_PAGE_SHIFT` at
//!   build time, so that all crates of a program share one size.
#![cfg_attr(not(any(feature = "std", test)), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(clearpage_ppc_asm_feature, feature(asm_experimental_arch))]
#![cfg_attr(clearpage_asan, feature(sanitize))]

#[doc = include_str!("../docs/which-call.md")]
pub mod guide {}

pub mod checks;
mod clear;
pub mod cpu;
mod door;
#[cfg(all(feature = "std", any(unix, windows)))]
mod env;
pub mod highmem;
pub mod hooks;
mod intent;
mod page;
mod plan;
mod primitive;
pub mod raw;
mod settings;
mod tuning;

#[path = "../arch/mod.rs"]
mod arch;

pub use clear::{
    clear_page, clear_page_uninit, clear_pages, clear_pages_around, clear_pages_chunked,
    clear_pages_for, clear_pages_uninit, clear_pages_uninit_for, clear_scattered, zero_bytes,
    zero_bytes_uninit,
};
#[cfg(all(feature = "std", any(unix, windows)))]
pub use env::{FileError, Variable};
pub use intent::Intent;
pub use page::{Order, PAGE_SHIFT, PAGE_SIZE, Page};
pub use plan::{
    FactsError, ForceError, InitError, built_for, force, init, init_with, primitive_for, reset_plan,
};
pub use primitive::{
    AvailablePrimitive, Primitive, RegisterFile, StoreKind, Unavailable, primitives,
};
pub use tuning::{Tuning, TuningError, WrongIsa, candidates};
