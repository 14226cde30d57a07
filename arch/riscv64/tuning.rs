//! Chooses the primitive on riscv64: `cbo_zero` if available, otherwise `sd`.
//!
//! Lengths and intents make no difference. A whole block at a time saves both the instructions and
//! the reading of lines that are about to be overwritten; no store hint of the base ISA bypasses
//! the cache. Not measured, because emulators have no meaningful speed. Linux's `clear_page`
//! chooses the same way.

use crate::cpu::Facts;
use crate::tuning::Tuning;

/// Candidates of [`Tuning::measure`]: of each mechanism the first that is available.
pub(crate) const MECHANISMS: &[&[&str]] = &[&["cbo_zero"], &["sd"]];

pub(crate) fn tuning(facts: &Facts) -> Tuning {
    Tuning::uniform(facts.first(&["cbo_zero", "sd"]))
}

#[cfg(test)]
mod tests {
    use crate::cpu::Feature;
    use crate::intent::Intent;
    use crate::tuning::testing::{cpu_with, steps};

    #[test]
    fn whole_blocks_where_the_cpu_has_them() {
        for intent in Intent::ALL {
            assert_eq!(steps(&cpu_with(&[Feature::Zicboz], [0; 3]), intent), [("cbo_zero", 0)]);
            assert_eq!(steps(&cpu_with(&[], [0; 3]), intent), [("sd", 0)]);
        }
    }
}
