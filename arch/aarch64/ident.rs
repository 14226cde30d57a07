//! Reads what a program can know of its CPU: DCZID_EL0, readable at every exception level, and,
//! from the kernel, the ID registers, which EL0 cannot read.
//!
//! Sources: Arm ARM (DDI 0487), DCZID_EL0; Linux, Documentation/arch/arm64/elf_hwcaps.rst; FreeBSD,
//! sys/arm64/include/elf.h, which has the same bits.

use core::arch::asm;

use crate::arch::auxv::hwcap;
use crate::arch::require;
use crate::cpu::{Facts, Feature, Flag, Isa, Vendor};
use crate::page::PAGE_SIZE;
use crate::primitive::Unavailable;

// The source of each feature, the reason if it is unset, and its value. Where a kernel reports a
// feature, the build's target features do not count, because the kernel may have switched it off.
cfg_if::cfg_if! {
    if #[cfg(all(
        feature = "std",
        any(target_os = "linux", target_os = "android", target_os = "freebsd")
    ))] {
        use crate::arch::auxv::hwcap2;

        const MOPS: [&str; 2] = ["AT_HWCAP2 bit 43", "no MOPS: AT_HWCAP2 bit 43 is 0"];

        fn has_mops() -> bool {
            hwcap2(43)
        }

        const MTE: [&str; 2] = ["AT_HWCAP2 bit 18", "no MTE: AT_HWCAP2 bit 18 is 0"];

        fn has_mte() -> bool {
            hwcap2(18)
        }
    } else {
        cfg_if::cfg_if! {
            if #[cfg(all(feature = "std", target_vendor = "apple"))] {
                const MOPS: [&str; 2] = [
                    "sysctl hw.optional.arm.FEAT_MOPS",
                    "no MOPS: sysctl hw.optional.arm.FEAT_MOPS is not 1",
                ];

                fn has_mops() -> bool {
                    super::apple::number(c"hw.optional.arm.FEAT_MOPS") == 1
                }
            } else {
                const MOPS: [&str; 2] = [
                    "target feature mops",
                    "no MOPS: the build is without target feature mops",
                ];

                fn has_mops() -> bool {
                    cfg!(target_feature = "mops")
                }
            }
        }

        const MTE: [&str; 2] =
            ["target feature mte", "no MTE: the build is without target feature mte"];

        fn has_mte() -> bool {
            cfg!(target_feature = "mte")
        }
    }
}

/// DCZID_EL0: the block size of DC ZVA and DC GZVA, and whether they may be used here. Linux checks
/// at boot that it is the same on all CPUs of a machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dczid(u64);

impl Dczid {
    pub(super) fn read() -> Self {
        let value;
        // SAFETY: reads a register that every exception level may read.
        unsafe {
            asm!("mrs {}, dczid_el0", out(reg) value, options(pure, nomem, nostack, preserves_flags))
        };
        Self(value)
    }

    /// Returns the block size in bytes. Bits 3:0 hold its logarithm in words of four bytes.
    pub(super) const fn block(self) -> usize {
        4 << (self.0 & 15)
    }

    /// Returns bit 4, DZP: whether SCTLR_EL1.DZE or HCR_EL2.TDZ trap the instructions.
    const fn prohibited(self) -> bool {
        self.0 & 16 != 0
    }

    pub(super) const fn usable(self) -> Result<(), Unavailable> {
        if self.prohibited() {
            Err(Unavailable { reason: "DC ZVA is prohibited: DCZID_EL0 bit 4 is 1" })
        } else if self.block() > PAGE_SIZE {
            Err(Unavailable { reason: "DC ZVA clears more than a page: DCZID_EL0 bits 3:0" })
        } else {
            Ok(())
        }
    }

    /// Returns the bytes before a range's whole blocks and in them; no blocks if prohibited.
    pub(super) const fn whole_blocks(self, address: usize, len: usize) -> (usize, usize) {
        let head = address.wrapping_neg() & (self.block() - 1);
        if self.prohibited() || head >= len {
            (len, 0)
        } else {
            (head, (len - head) & !(self.block() - 1))
        }
    }
}

/// Detects FEAT_MOPS: memory set instructions.
pub(super) fn mops() -> Result<(), Unavailable> {
    require(has_mops(), MOPS[1])
}

/// Detects FEAT_MTE2: memory tags.
pub(super) fn mte() -> Result<(), Unavailable> {
    require(has_mte(), MTE[1])
}

pub(crate) fn flags() -> impl Iterator<Item = Flag> {
    [
        (Feature::DcZva, Dczid::read().usable().is_ok(), "DCZID_EL0 bit 4, 0 if permitted"),
        (Feature::Mops, has_mops(), MOPS[0]),
        (Feature::Mte, has_mte(), MTE[0]),
    ]
    .into_iter()
    .map(|(feature, set, source)| Flag { feature, set, source })
}

/// Returns the block size of DC ZVA; 0 if it is prohibited.
pub(crate) fn block() -> usize {
    let dczid = Dczid::read();
    if dczid.prohibited() { 0 } else { dczid.block() }
}

/// Returns implementer, part, variant and revision, if the kernel lets programs read MIDR_EL1:
/// Linux emulates that if AT_HWCAP bit 11 (HWCAP_CPUID) is set. In old releases of FreeBSD that bit
/// has another meaning. The register is that of the current CPU; other CPUs may differ.
pub(crate) fn identity() -> Facts {
    const HWCAP_CPUID: u32 = 11;
    let unknown = Facts::unknown(Isa::BUILT_FOR);
    if cfg!(target_os = "freebsd") || !hwcap(HWCAP_CPUID) {
        return unknown;
    }
    let midr: u64;
    // SAFETY: reads a register that programs may read, as the kernel has reported.
    unsafe {
        asm!("mrs {}, midr_el1", out(reg) midr, options(pure, nomem, nostack, preserves_flags))
    };
    let field = |low: u32, bits: u32| midr as u32 >> low & ((1 << bits) - 1);
    Facts {
        vendor: implementer(field(24, 8) as u8),
        model: field(4, 12),
        stepping: field(20, 4) << 4 | field(0, 4),
        ..unknown
    }
}

/// Returns the implementer code as a vendor's name, such as `0x41`.
fn implementer(code: u8) -> Vendor {
    let digit = |n: u8| b"0123456789abcdef"[usize::from(n & 15)];
    Vendor::of(&[b'0', b'x', digit(code >> 4), digit(code)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_sizes_are_those_of_the_register() {
        let prohibited = "DC ZVA is prohibited: DCZID_EL0 bit 4 is 1";
        let too_large = "DC ZVA clears more than a page: DCZID_EL0 bits 3:0";
        for bits in 0..16 {
            // Bits 63:5 are reserved.
            for dczid in [bits, bits | !31] {
                let usable = if 4 << bits > PAGE_SIZE { Err(too_large) } else { Ok(()) };
                assert_eq!(Dczid(dczid).block(), 4 << bits);
                assert_eq!(Dczid(dczid).usable().map_err(|why| why.reason), usable);
                assert_eq!(Dczid(dczid | 16).block(), 4 << bits, "DZP is no part of the size");
                assert_eq!(Dczid(dczid | 16).usable().map_err(|why| why.reason), Err(prohibited));
            }
        }
        assert!((4..=2048).contains(&Dczid::read().block()));
    }

    #[test]
    fn whole_blocks_stay_inside_and_miss_none() {
        for bits in [2, 4, 6, 7, 9] {
            let block = Dczid(bits).block();
            for address in (0..2 * block).step_by(16) {
                for len in (0..5 * block).step_by(16) {
                    let (head, body) = Dczid(bits).whole_blocks(address, len);
                    let tail = len.checked_sub(head + body).unwrap();
                    assert_eq!(body % block, 0);
                    assert!(head + tail <= 2 * (block - 1), "{block} {address} {len}");
                    if body != 0 {
                        assert_eq!((address + head) % block, 0);
                        assert!(head < block && tail < block);
                    }
                }
            }
        }
        assert_eq!(Dczid(4 | 16).whole_blocks(4096, 4096), (4096, 0), "prohibited");
        assert_eq!(Dczid(4).whole_blocks(4096, 4096), (0, 4096));
    }

    #[test]
    fn implementers_are_named_by_their_code() {
        for (code, name) in [(0x41, "0x41"), (0xc0, "0xc0"), (0, "0x00")] {
            assert_eq!(implementer(code).name(), name);
        }
    }
}
