//! x86_64: string instructions, vector stores, non-temporal stores, and AMD's CLZERO.

mod loops;
#[cfg(target_feature = "sse2")]
mod short;
pub(crate) mod tags;
mod tuning;
#[cfg(target_feature = "sse2")]
mod vector;

#[cfg(target_feature = "sse2")]
mod avx2;
#[cfg(target_feature = "sse2")]
mod avx512;
mod clzero;
mod clzero_abreast;
#[cfg(target_feature = "sse2")]
mod movntdq;
#[cfg(target_feature = "sse2")]
mod movntdq_avx2;
#[cfg(target_feature = "sse2")]
mod movntdq_avx512;
mod movnti;
#[cfg(target_feature = "sse2")]
mod sse2;
mod stosb;
mod stosq;

pub(crate) use super::cpuid::{caches, flags};
#[cfg(not(target_feature = "sse2"))]
pub(crate) use super::generic::{is_short, zero_small};
#[cfg(target_feature = "sse2")]
pub(crate) use short::{is_short, zero_small};
pub(crate) use tuning::tuning;

use super::cpuid;
use crate::primitive::Primitive;

/// Rows that need vector registers stand behind `target_feature = "sse2"`: kernel and firmware
/// targets are built without.
pub(crate) static PRIMITIVES: &[Primitive] = &[
    stosb::PRIMITIVE,
    stosq::PRIMITIVE,
    #[cfg(target_feature = "sse2")]
    sse2::PRIMITIVE,
    #[cfg(target_feature = "sse2")]
    avx2::PRIMITIVE,
    #[cfg(target_feature = "sse2")]
    avx512::PRIMITIVE,
    movnti::PRIMITIVE,
    #[cfg(target_feature = "sse2")]
    movntdq::PRIMITIVE,
    #[cfg(target_feature = "sse2")]
    movntdq_avx2::PRIMITIVE,
    #[cfg(target_feature = "sse2")]
    movntdq_avx512::PRIMITIVE,
    clzero::PRIMITIVE,
    clzero_abreast::PRIMITIVE,
    super::generic::GENERIC,
];
