//! Reads from CPUID, on x86 and x86_64, the bits and caches that the choice depends on.
//!
//! Sources: Intel SDM volume 2, CPUID (leaves 1, 4 and 7); AMD APM volume 3, appendix E
//! (8000_0008h, 8000_001Dh).

#[cfg(target_arch = "x86")]
use core::arch::x86::{__cpuid_count, CpuidResult};
#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::{__cpuid_count, CpuidResult};

use crate::cpu::{Caches, Facts, Feature, Flag, Isa, Vendor};

/// Returns CPUID `leaf`; all zero if the CPU lacks that leaf, and in an SGX enclave, where CPUID is
/// an invalid opcode (Intel SDM volume 3D, "Illegal Instructions").
#[inline(never)] // kernels care about the size
pub(super) fn cpuid(leaf: u32, subleaf: u32) -> CpuidResult {
    const NOTHING: CpuidResult = CpuidResult { eax: 0, ebx: 0, ecx: 0, edx: 0 };
    if cfg!(target_env = "sgx") {
        return NOTHING;
    }
    // SAFETY: every CPU from the Pentium on has CPUID, and no Rust target is older.
    #[allow(unused_unsafe, reason = "newer compilers know it to be safe")]
    unsafe {
        if leaf <= __cpuid_count(leaf & 0x8000_0000, 0).eax {
            __cpuid_count(leaf, subleaf)
        } else {
            NOTHING
        }
    }
}

pub(super) const fn bit(register: u32, n: u32) -> bool {
    register >> n & 1 == 1
}

/// Detects the SSE2 instructions, which are part of the base of x86_64.
pub(super) fn sse2() -> bool {
    bit(cpuid(1, 0).edx, 26)
}

/// Detects the CLZERO instruction.
#[cfg(target_arch = "x86_64")]
pub(super) fn clzero() -> bool {
    bit(cpuid(0x8000_0008, 0).ebx, 0)
}

/// Returns vendor, family, model, stepping, and whether there is a hypervisor.
pub(crate) fn identity() -> Facts {
    let CpuidResult { ebx, edx, ecx, .. } = cpuid(0, 0);
    let name = [ebx, edx, ecx].map(u32::to_le_bytes);
    let CpuidResult { eax: signature, ecx, .. } = cpuid(1, 0);
    let (family, model, stepping) = unpack(signature);
    Facts {
        vendor: Vendor::of(name.as_flattened()),
        family,
        model,
        stepping,
        hypervisor: bit(ecx, 31),
        ..Facts::unknown(Isa::BUILT_FOR)
    }
}

/// Decodes family, model and stepping from CPUID 1 EAX. The extended family counts if the family is
/// 15, the extended model if it is 6 or 15.
const fn unpack(signature: u32) -> (u32, u32, u32) {
    let base = signature >> 8 & 15;
    let family = if base == 15 { base + (signature >> 20 & 0xff) } else { base };
    let extended = if base == 6 || base == 15 { signature >> 16 & 15 } else { 0 };
    (family, extended << 4 | signature >> 4 & 15, signature & 15)
}

/// A feature, whether the CPU has it, and where it says so.
type Bit = (Feature, fn() -> bool, &'static str);

const FLAGS: &[Bit] = &[
    #[cfg(target_arch = "x86")]
    (Feature::Sse2, sse2, "CPUID 1 EDX bit 26"),
    (Feature::Erms, || bit(cpuid(7, 0).ebx, 9), "CPUID 7.0 EBX bit 9"),
    (Feature::Fsrm, || bit(cpuid(7, 0).edx, 4), "CPUID 7.0 EDX bit 4"),
    (Feature::Fzrm, || bit(cpuid(7, 1).eax, 10), "CPUID 7.1 EAX bit 10"),
    (Feature::Fsrs, || bit(cpuid(7, 1).eax, 11), "CPUID 7.1 EAX bit 11"),
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    (Feature::Avx2, || super::wide::require_avx2().is_ok(), "CPUID 7.0 EBX bit 5 and XCR0"),
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    (Feature::Avx512f, || super::wide::require_avx512().is_ok(), "CPUID 7.0 EBX bit 16 and XCR0"),
    #[cfg(target_arch = "x86_64")]
    (Feature::Clzero, clzero, "CPUID 8000_0008 EBX bit 0"),
];

pub(crate) fn flags() -> impl Iterator<Item = Flag> {
    FLAGS.iter().map(|&(feature, set, source)| Flag { feature, set: set(), source })
}

/// Returns the data cache sizes. Intel describes caches in leaf 4, AMD and Hygon in 8000_001D, in
/// one format; the other vendor's leaf is empty.
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

/// Returns ways x partitions x line x sets. Each field holds its value minus one.
fn size(cache: &CpuidResult) -> usize {
    let ways = (cache.ebx >> 22) as usize + 1;
    let partitions = (cache.ebx >> 12 & 0x3ff) as usize + 1;
    let line = (cache.ebx & 0xfff) as usize + 1;
    let sets = (cache.ecx as usize).saturating_add(1);
    ways.saturating_mul(partitions).saturating_mul(line).saturating_mul(sets)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hypervisor may report such values; on x86 a panic could come from inside an allocation.
    #[test]
    fn a_cache_that_cannot_be_is_no_overflow() {
        let all_ones = CpuidResult { eax: u32::MAX, ebx: u32::MAX, ecx: u32::MAX, edx: u32::MAX };
        assert!(size(&all_ones) >= 1 << 31);
    }

    /// Signatures as CPUs report them, with family and model as their makers call them.
    #[test]
    fn extended_family_and_model_are_added() {
        assert_eq!(unpack(0x00b0_0f21), (0x1a, 0x02, 1)); // EPYC, Zen 5
        assert_eq!(unpack(0x00a1_0f11), (0x19, 0x11, 1)); // EPYC, Zen 4
        assert_eq!(unpack(0x0005_0654), (0x06, 0x55, 4)); // Skylake-SP
        assert_eq!(unpack(0x0000_0f29), (0x0f, 0x02, 9)); // Pentium 4
        assert_eq!(unpack(0x0000_0543), (0x05, 0x04, 3)); // Pentium MMX
    }
}
