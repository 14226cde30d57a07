//! CPUID, of x86 and x86_64: the bits and caches that the choice depends on.
//!
//! Sources: Intel SDM volume 2, CPUID (leaves 1, 4 and 7); AMD APM volume 3, appendix E
//! (8000_0008h, 8000_001Dh).

#[cfg(target_arch = "x86")]
use core::arch::x86::{__cpuid_count, CpuidResult};
#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::{__cpuid_count, CpuidResult};

use crate::cpu::{Caches, Flag};

/// CPUID `leaf`, all zero where the CPU does not reach that far.
fn cpuid(leaf: u32, subleaf: u32) -> CpuidResult {
    // SAFETY: every CPU from the Pentium on has CPUID, and no Rust target is older.
    #[allow(unused_unsafe, reason = "newer compilers know it to be safe")]
    unsafe {
        if leaf <= __cpuid_count(leaf & 0x8000_0000, 0).eax {
            __cpuid_count(leaf, subleaf)
        } else {
            CpuidResult { eax: 0, ebx: 0, ecx: 0, edx: 0 }
        }
    }
}

const fn bit(register: u32, n: u32) -> bool {
    register >> n & 1 == 1
}

/// Enhanced REP MOVSB/STOSB: `rep stosb` is fast from about 1 KiB on.
pub(super) fn erms() -> bool {
    bit(cpuid(7, 0).ebx, 9)
}

/// Fast short REP MOVSB.
fn fsrm() -> bool {
    bit(cpuid(7, 0).edx, 4)
}

/// Fast zero-length REP MOVSB.
fn fzrm() -> bool {
    bit(cpuid(7, 1).eax, 10)
}

/// Fast short REP STOSB.
fn fsrs() -> bool {
    bit(cpuid(7, 1).eax, 11)
}

/// The SSE2 instructions; part of the base of x86_64.
#[cfg(target_arch = "x86")]
pub(super) fn sse2() -> bool {
    bit(cpuid(1, 0).edx, 26)
}

/// The CLZERO instruction.
#[cfg(target_arch = "x86_64")]
pub(super) fn clzero() -> bool {
    bit(cpuid(0x8000_0008, 0).ebx, 0)
}

/// The AVX2 instructions; says nothing of the operating system.
#[cfg(target_arch = "x86_64")]
pub(super) fn avx2() -> bool {
    bit(cpuid(7, 0).ebx, 5)
}

/// The AVX-512 foundation; says nothing of the operating system.
#[cfg(target_arch = "x86_64")]
pub(super) fn avx512f() -> bool {
    bit(cpuid(7, 0).ebx, 16)
}

/// Family, model and stepping as CPUID packs them.
pub(crate) fn model() -> u64 {
    cpuid(1, 0).eax.into()
}

pub(crate) fn flags() -> impl Iterator<Item = Flag> {
    [
        #[cfg(target_arch = "x86")]
        ("sse2", sse2(), "CPUID 1 EDX bit 26"),
        ("erms", erms(), "CPUID 7.0 EBX bit 9"),
        ("fsrm", fsrm(), "CPUID 7.0 EDX bit 4"),
        ("fzrm", fzrm(), "CPUID 7.1 EAX bit 10"),
        ("fsrs", fsrs(), "CPUID 7.1 EAX bit 11"),
        #[cfg(target_arch = "x86_64")]
        ("avx2", avx2(), "CPUID 7.0 EBX bit 5"),
        #[cfg(target_arch = "x86_64")]
        ("avx512f", avx512f(), "CPUID 7.0 EBX bit 16"),
        #[cfg(target_arch = "x86_64")]
        ("clzero", clzero(), "CPUID 8000_0008 EBX bit 0"),
    ]
    .into_iter()
    .map(|(name, set, source)| Flag { name, set, source })
}

/// Intel describes the caches in leaf 4, AMD and Hygon in 8000_001D, in one format; the other
/// vendor's leaf is empty.
pub(crate) fn caches() -> Caches {
    let mut caches = Caches::default();
    for leaf in [4, 0x8000_001D] {
        for subleaf in 0..16 {
            let cache = cpuid(leaf, subleaf);
            let (kind, level) = (cache.eax & 31, cache.eax >> 5 & 7);
            let size = size(&cache);
            match (kind, level) {
                (0, _) => break,
                (2, _) => {} // instructions
                (_, 1) => caches.l1d = size,
                (_, 2) => caches.l2 = size,
                (_, 3) => caches.l3 = size,
                _ => {}
            }
        }
        if caches.l1d != 0 {
            break;
        }
    }
    caches
}

/// Ways x partitions x line x sets; each field is stored less one.
fn size(cache: &CpuidResult) -> usize {
    let ways = (cache.ebx >> 22) as usize + 1;
    let partitions = (cache.ebx >> 12 & 0x3ff) as usize + 1;
    let line = (cache.ebx & 0xfff) as usize + 1;
    let sets = cache.ecx as usize + 1;
    ways.saturating_mul(partitions).saturating_mul(line).saturating_mul(sets)
}
