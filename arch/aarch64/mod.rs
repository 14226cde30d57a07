//! aarch64: DC ZVA, pairs of zero registers, the memory set instructions, and stores that set
//! memory tags. None writes vector registers: every row is in kernel and soft-float builds too.

#[cfg(all(feature = "std", target_vendor = "apple"))]
mod apple;
mod ident;
mod loops;
pub(crate) mod tags;
mod tuning;

mod dc_zva;
mod mops;
mod mte;
mod stnp;
mod stp;

pub(crate) use super::generic::*;
#[cfg(all(feature = "std", target_vendor = "apple"))]
pub(crate) use apple::caches;
pub(crate) use ident::{block, flags, identity};
pub(crate) use tuning::{MECHANISMS, tuning};

super::rows! {dc_zva::PRIMITIVE, stp::PRIMITIVE, stnp::PRIMITIVE, mops::PRIMITIVE, mte::PRIMITIVE, GENERIC}
