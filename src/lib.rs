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
//! # The first call
//!
//! The first call of any function that clears at least a page, or [`init`], chooses the primitives.
//! It neither allocates nor takes a lock, so it may come from inside an allocator or a signal
//! handler, and from several threads at once. It reads, in this order:
//!
//! 1. the primitive that the build has (`RUSTFLAGS='--cfg clearpage_force="stosb"'`): nothing else
//!    is read, and no primitive is chosen at run time;
//! 2. [`force`], [`Tuning::install`] or [`init_with`], if the program called one;
//! 3. with `std`, on Unix and Windows, the variables below;
//! 4. the CPU: its model, its feature bits and the sizes of its caches.
//!
//! | variable | effect |
//! |---|---|
//! | `CLEARPAGE_FORCE=stosb` | uses one primitive for everything |
//! | `CLEARPAGE_TUNING=/etc/my.tuning` | uses the choices in a file of `clearpage tune` |
//! | `CLEARPAGE_INIT_ON_ALLOC=1` | makes [`hooks`] clear memory at allocation |
//! | `CLEARPAGE_INIT_ON_FREE=1` | makes [`hooks`] clear memory at free |
//!
//! A wrong value is an error of [`init`], or of `hooks::init_policy_from_env`. A program that does
//! not call them ends at the first clear or allocation that needs the value, with the error on
//! standard error and exit code 2. A tuning of another CPU is ignored, with a message. Privileged
//! programs (setuid, setgid, file capabilities) ignore all variables.
//!
//! # Features, platforms and Rust versions
//!
//! - `std` (default): reads the variables, and asks the system for hardware capabilities and
//!   microcode. Without it the library needs only `core`, and detects what the CPU itself reports.
//! - Every target with 32-bit or 64-bit pointers and atomic loads and stores builds. x86_64, i686,
//!   aarch64, armv7, riscv64, powerpc64, s390x, loongarch64 and wasm32 have primitives of their own,
//!   the others use word stores.
//! - Rust 1.85; powerpc64 needs 1.95 for its primitives.
//!
//! # Items that not every build has
//! - With `std` (default): `checks::AddressSanitizer`. The library is otherwise the same: `std`
//!   lets it ask the system for hardware capabilities and microcode.
//! - With `std`, on Unix and Windows: `hooks::init_policy_from_env`, `hooks::PolicyError`, `Variable`,
//!   `FileError`, and the variants of [`InitError`] about variables: [`init`] reads
//!   `CLEARPAGE_FORCE` and `CLEARPAGE_TUNING`.
//! - With 64-bit atomics: [`hooks::Counters`].
//! - [`primitives`] and [`cpu::flags`] depend on the ISA; [`PAGE_SIZE`] on `CLEARPAGE_PAGE_SHIFT` at
//!   build time, so that all crates of a program share one size.
#![cfg_attr(not(any(feature = "std", test)), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(clearpage_ppc_asm_feature, feature(asm_experimental_arch))]
#![cfg_attr(clearpage_asan, feature(sanitize))]

// The first definition of a link counts: these replace the file's own, which point to sources.
/// [`ClearingAlloc::wipe_with`]: crate::hooks::ClearingAlloc::wipe_with
/// [`alloc_zeroed_threshold`]: crate::hooks::ClearingAlloc::alloc_zeroed_threshold
/// [`clear_pages`]: crate::clear_pages
/// [`clear_pages_around`]: crate::clear_pages_around
/// [`clear_pages_chunked`]: crate::clear_pages_chunked
/// [`clear_pages_for`]: crate::clear_pages_for
/// [`clear_scattered`]: crate::clear_scattered
/// [`highmem::clear_highpages`]: crate::highmem::clear_highpages
/// [`hooks::ClearingAlloc`]: crate::hooks::ClearingAlloc
/// [`hooks::PageHooks`]: crate::hooks::PageHooks
/// [`hooks::free_prepare`]: crate::hooks::free_prepare
/// [`hooks::post_alloc`]: crate::hooks::post_alloc
/// [`raw::clear_pages_for`]: crate::raw::clear_pages_for
/// [`raw::clear_scattered`]: crate::raw::clear_scattered
/// [`zero_bytes`]: crate::zero_bytes
///
#[doc = include_str!("../docs/which-call.md")]
pub mod guide {}

#[cfg(doctest)]
#[doc = include_str!("../docs/in-a-kernel.md")]
mod in_a_kernel {}

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
