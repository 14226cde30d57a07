//! x86, 32-bit: string instructions, SSE2 stores, non-temporal stores.

mod loops;
mod needs;

#[cfg(target_feature = "sse2")]
mod movntdq;
mod movnti;
#[cfg(target_feature = "sse2")]
mod sse2;
mod stosb;
mod stosd;

pub(crate) use super::cpuid::{block, caches, flags, identity};
pub(crate) use super::x86_tuning::MECHANISMS;
pub(crate) use super::x86_tuning::tuning;

use super::cpuid;
use crate::primitive::Primitive;

/// The rows of x86. Those with vector registers need `target_feature = "sse2"`, which i586, kernel
/// and firmware targets lack.
pub(crate) static PRIMITIVES: &[Primitive] = &[
    stosb::PRIMITIVE,
    stosd::PRIMITIVE,
    #[cfg(target_feature = "sse2")]
    sse2::PRIMITIVE,
    movnti::PRIMITIVE,
    #[cfg(target_feature = "sse2")]
    movntdq::PRIMITIVE,
    super::generic::GENERIC,
];
