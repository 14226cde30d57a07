//! Reads the caches from the CPU, with EXTRACT CPU ATTRIBUTE.
//!
//! Source: z/Architecture Principles of Operation, SA22-7832, chapter 7. It belongs to the
//! general-instructions-extension facility, as do instructions that the compiler itself uses: in
//! every CPU since z10, the oldest that Rust compiles for. Legal in programs.

use crate::cpu::Caches;

/// Attributes: bits 56-59 of the operand.
const TOPOLOGY: u64 = 0;
const SIZE: u64 = 2;

pub(crate) fn caches() -> Caches {
    caches_by(ecag)
}

/// Returns the attribute; all ones if the CPU does not report it.
fn ecag(attribute: u64, level: u64) -> u64 {
    let answer;
    // SAFETY: it reads no memory. Bit 63 of the operand is 0: data or unified cache.
    unsafe {
        core::arch::asm!(
            "ecag {answer}, %r0, 0({operand})",
            operand = in(reg_addr) (attribute << 4) | (level << 1),
            answer = lateout(reg) answer,
            options(nomem, nostack, preserves_flags, pure),
        );
    }
    answer
}

/// Decodes the cache sizes. The topology has a byte per level, the first level leftmost: its bits
/// 4-5 are 1 for a cache of one CPU, 2 for one that CPUs share.
fn caches_by(ecag: impl Fn(u64, u64) -> u64) -> Caches {
    let topology = ecag(TOPOLOGY, 0).to_be_bytes();
    let size = |level: u8| match (topology[usize::from(level)] >> 2) & 3 {
        1 | 2 => match ecag(SIZE, level.into()) {
            u64::MAX => 0,
            size => size as usize,
        },
        _ => 0,
    };
    Caches { l1d: size(0), l2: size(1), l3: size(2) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the caches of a CPU with this topology, and with sizes for `N` levels.
    fn of<const N: usize>(topology: u64, sizes: [u64; N]) -> [usize; 3] {
        let caches = caches_by(|attribute, level| match attribute {
            TOPOLOGY => topology,
            _ => sizes[level as usize],
        });
        [caches.l1d, caches.l2, caches.l3]
    }

    #[test]
    fn sizes_are_those_of_levels_that_exist_and_are_reported() {
        // Two levels per CPU with a separate instruction cache, then two shared levels.
        let sizes = [128 << 10, 4 << 20, 128 << 20];
        assert_eq!(of(0x0404_0b0b_0000_0000, sizes), sizes.map(|size| size as usize));
        assert_eq!(of(0x0400_0000_0000_0000, [64 << 10]), [64 << 10, 0, 0]);
        // All ones mean that the CPU reports nothing.
        assert_eq!(of(u64::MAX, [u64::MAX; 3]), [0; 3]);
        assert_eq!(of(4 << 56, [u64::MAX]), [0; 3]);
    }
}
