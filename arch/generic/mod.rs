//! Portable Rust, on every target: the last row of every table.

mod small;
mod words;

pub(crate) use small::zero_small;
pub(super) use words::PRIMITIVE as GENERIC;
