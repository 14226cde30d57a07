//! Contains portable Rust for every target: the last row of every table, and the defaults of all
//! that an ISA does not define. Like asm, the stores are compiled without ASan's checks, because
//! `src/door.rs` has the whole range checked first.

mod small;
pub(crate) mod tags;
mod words;

pub(crate) use small::{SHORT, is_short, zero_small};
pub(super) use words::PRIMITIVE as GENERIC;

use super::auxv::auxv;
use crate::cpu::{Caches, Facts, Flag, Isa};
use crate::primitive::Primitive;
use crate::tuning::Tuning;

pub(crate) static PRIMITIVES: &[Primitive] = &[GENERIC];

/// What [`candidates`](crate::candidates) chooses from: of each mechanism the first that is available.
pub(crate) const MECHANISMS: &[&[&str]] = &[&["generic"]];

/// Uses the first mechanism that the CPU has for every length and intent.
pub(crate) fn tuning(facts: &Facts) -> Tuning {
    let mut names = super::MECHANISMS.iter().copied().flatten();
    Tuning::uniform(names.find_map(|name| facts.row(name)).unwrap_or_else(super::generic))
}

/// Returns neither vendor nor model.
pub(crate) const fn identity() -> Facts {
    Facts::unknown(Isa::BUILT_FOR)
}

/// Returns no flags.
pub(crate) fn flags() -> impl Iterator<Item = Flag> {
    core::iter::empty()
}

/// Returns 0, because no instruction has a block size to detect.
pub(crate) const fn block() -> usize {
    0
}

/// Does nothing, because no instruction has a block size that a kernel could declare.
pub(crate) const fn declare_block(_: usize) {}

/// Returns the data cache sizes in bytes, 0 if unknown: `AT_L1D_CACHESIZE`, `AT_L2_CACHESIZE` and
/// `AT_L3_CACHESIZE`, which Linux reports on PowerPC and RISC-V.
pub(crate) fn caches() -> Caches {
    Caches { l1d: auxv(42), l2: auxv(44), l3: auxv(46) }
}

#[cfg(test)]
mod tests {
    use crate::cpu::Feature::{self, Dcbz, Lasx, Lsx, Neon, Zicboz};
    use crate::cpu::Isa;
    use crate::intent::Intent;
    use crate::primitive::find;
    use crate::tuning::testing::{cpu_with, steps};

    #[test]
    fn without_a_tuning_of_its_own_an_isa_uses_its_first_mechanism_for_everything() {
        let of_isas: [(Isa, &[Feature], &str); 10] = [
            (Isa::Arm, &[Neon], "neon"),
            (Isa::Arm, &[], "stm"),
            (Isa::Loongarch64, &[Lsx, Lasx], "lasx"),
            (Isa::Loongarch64, &[Lsx], "lsx"),
            (Isa::Loongarch64, &[], "st_d"),
            (Isa::Powerpc64, &[Dcbz], "dcbz"),
            (Isa::Powerpc64, &[], "generic"),
            (Isa::Riscv64, &[Zicboz], "cbo_zero"),
            (Isa::Riscv64, &[], "sd"),
            (Isa::Other, &[], "generic"),
        ];
        for (isa, features, name) in of_isas {
            // Builds without vectors, and without asm on PowerPC, lack some rows.
            if isa != Isa::BUILT_FOR || find(name).is_none() {
                continue;
            }
            for intent in Intent::ALL {
                assert_eq!(steps(&cpu_with(features, [0; 3]), intent), [(name, 0)]);
            }
        }
    }
}
