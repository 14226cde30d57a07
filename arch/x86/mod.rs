//! x86, both widths: string instructions, vector stores, non-temporal stores, and AMD's CLZERO.

mod cpuid;
mod loops;
mod tuning;

#[cfg(target_arch = "x86_64")]
mod clzero;
#[cfg(target_feature = "sse2")]
mod movntdq;
mod movnti;
#[cfg(target_feature = "sse2")]
mod sse2;
mod stosb;
#[cfg(target_arch = "x86")]
mod stosd;
#[cfg(target_arch = "x86_64")]
mod stosq;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod wide;

pub(crate) use super::generic::*;
pub(crate) use cpuid::{caches, flags, identity};
pub(crate) use tuning::{MECHANISMS, tuning};
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
pub(crate) use wide::{is_short, zero_small};

use super::require;
use crate::cpu::Feature;
use crate::primitive::Unavailable;

// The rows of both widths. Those with vector registers need `target_feature = "sse2"`, which
// kernel and firmware targets lack, and i586.
super::rows! {
    stosb::PRIMITIVE,
    #[cfg(target_arch = "x86")]
    stosd::PRIMITIVE,
    #[cfg(target_arch = "x86_64")]
    stosq::PRIMITIVE,
    #[cfg(target_feature = "sse2")]
    sse2::PRIMITIVE,
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    wide::avx2::PRIMITIVE,
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    wide::avx512::PRIMITIVE,
    movnti::PRIMITIVE,
    #[cfg(target_feature = "sse2")]
    movntdq::PRIMITIVE,
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    wide::movntdq_avx2::PRIMITIVE,
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    wide::movntdq_avx512::PRIMITIVE,
    #[cfg(target_arch = "x86_64")]
    clzero::PRIMITIVE,
    GENERIC,
}

/// The feature that came with SSE2's instructions; `None` on x86_64, where all CPUs have them.
const SSE2: Option<Feature> = if cfg!(target_arch = "x86") { Some(Feature::Sse2) } else { None };

fn has_sse2() -> Result<(), Unavailable> {
    let has = cfg!(target_arch = "x86_64") || cpuid::sse2();
    require(has, "no SSE2: CPUID 1 EDX bit 26 is 0")
}
