//! Contains portable Rust for every target: the last row of every table. Like asm, it is compiled
//! without ASan's checks: `src/door.rs` has the whole range checked first.

mod small;
mod words;

#[cfg_attr(target_arch = "x86_64", allow(unused_imports, reason = "it has its own"))]
pub(crate) use small::is_short;
pub(crate) use small::{SHORT, zero_small};
pub(super) use words::PRIMITIVE as GENERIC;
