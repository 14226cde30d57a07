//! Reads the caches from CPUCFG, which any code may execute.
//!
//! Source: LoongArch Reference Manual volume 1, 2.2.10.5 (words 0x10 to 0x14).

use crate::cpu::Caches;

/// Returns word `n` of the configuration; 0 if it does not exist.
fn cpucfg(n: u32) -> u32 {
    let word;
    // SAFETY: every LA64 CPU has CPUCFG, and it only reads.
    unsafe {
        core::arch::asm!(
            "cpucfg {word}, {n}",
            n = in(reg) n,
            word = lateout(reg) word,
            options(nomem, nostack, preserves_flags),
        );
    }
    word
}

pub(crate) fn caches() -> Caches {
    decode(cpucfg)
}

fn decode(word: impl Fn(u32) -> u32) -> Caches {
    let bit = |n: u32| word(0x10) >> n & 1 == 1;
    // A level holds data if it has a data cache, or if its first cache is unified.
    let holds = |first, unified, data| bit(data) || bit(first) && bit(unified);
    let size = |n| {
        let geometry = word(n);
        let (ways, sets, line) = (geometry & 0xffff, geometry >> 16 & 0xff, geometry >> 24 & 0x7f);
        // The fields hold ways minus one, and log2 of the others.
        (ways as usize + 1).checked_shl(sets + line).unwrap_or(0)
    };
    let if_there = |there, n| if there { size(n) } else { 0 };
    Caches {
        l1d: if_there(holds(0, 1, 2), if bit(2) { 0x12 } else { 0x11 }),
        l2: if_there(holds(3, 4, 7), 0x13),
        l3: if_there(holds(10, 11, 14), 0x14),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_data_and_unified_levels() {
        // Four ways, 256 sets and 64-byte lines; four times the ways, and 64 times the sets.
        let (l1, l2, l3) = (6 << 24 | 8 << 16 | 3, 6 << 24 | 8 << 16 | 15, 6 << 24 | 14 << 16 | 15);
        for (words, [l1d, l2, l3]) in [
            ([0x0c1d, l1, l1, l2, l3], [64 << 10, 256 << 10, 16 << 20]),
            // A unified first level is described in its own word; instructions are no data.
            ([0b11, l1, 0, 0, 0], [64 << 10, 0, 0]),
            ([0b1001, l1, l1, l1, l1], [0, 0, 0]),
        ] {
            assert_eq!(decode(|n| words[n as usize - 0x10]), Caches { l1d, l2, l3 });
        }
    }
}
