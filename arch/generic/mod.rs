//! Portable Rust, on every target: the last row of every table. ASan's checks are kept out of it, as
//! they are of asm: ASan is asked before, for all of a range (`src/door.rs`).

mod small;
mod words;

#[cfg_attr(target_arch = "x86_64", allow(unused_imports, reason = "it has its own"))]
pub(crate) use small::is_short;
pub(crate) use small::{SHORT, zero_small};
pub(super) use words::PRIMITIVE as GENERIC;
