//! x86_64: string instructions, vector stores, non-temporal stores, and AMD's CLZERO.

mod loops;
#[cfg(target_feature = "sse2")]
mod short;
#[cfg(target_feature = "sse2")]
mod vector;

#[cfg(target_feature = "sse2")]
mod avx2;
#[cfg(target_feature = "sse2")]
mod avx512;
mod clzero;
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

pub(crate) use super::cpuid::{block, caches, flags, identity};
#[cfg(not(target_feature = "sse2"))]
pub(crate) use super::generic::{is_short, zero_small};
pub(crate) use super::x86_tuning::MECHANISMS;
pub(crate) use super::x86_tuning::tuning;
#[cfg(target_feature = "sse2")]
pub(crate) use short::{is_short, zero_small};

use super::cpuid;
use crate::primitive::Primitive;

/// Returns whether programs can use AVX2; a build without vectors cannot know, so `false`.
pub(super) fn can_use_avx2() -> bool {
    #[cfg(target_feature = "sse2")]
    return vector::avx2().is_ok();
    #[cfg(not(target_feature = "sse2"))]
    return false;
}

/// Returns whether programs can use AVX-512; a build without vectors cannot know, so `false`.
pub(super) fn can_use_avx512() -> bool {
    #[cfg(target_feature = "sse2")]
    return vector::avx512().is_ok();
    #[cfg(not(target_feature = "sse2"))]
    return false;
}

/// The rows of x86_64. Those with vector registers need `target_feature = "sse2"`, which kernel and
/// firmware targets lack.
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
    super::generic::GENERIC,
];
