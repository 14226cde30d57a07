//! Chooses the primitive for each intent and length on arm.
//!
//! Nothing was measured on a real CPU. NEON stores 32 bytes an instruction and STM 16, and no store
//! passes the cache: one primitive serves every length and intent.

use crate::cpu::Facts;
use crate::tuning::Tuning;

/// Candidates of [`Tuning::measure`]: of each mechanism the first that is available.
pub(crate) const MECHANISMS: &[&[&str]] = &[&["neon"], &["stm"]];

pub(crate) fn tuning(facts: &Facts) -> Tuning {
    Tuning::uniform(facts.first(&["neon", "stm"]))
}

#[cfg(test)]
mod tests {
    use crate::cpu::Feature;
    use crate::intent::Intent;
    use crate::tuning::testing::{cpu_with, steps};

    #[test]
    fn neon_before_stm() {
        for intent in Intent::ALL {
            #[cfg(any(target_feature = "neon", feature = "std"))]
            assert_eq!(steps(&cpu_with(&[Feature::Neon], [0; 3]), intent), [("neon", 0)]);
            assert_eq!(steps(&cpu_with(&[], [0; 3]), intent), [("stm", 0)]);
        }
    }
}
