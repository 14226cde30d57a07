//! Chooses the primitive for each intent and length on powerpc64.
//!
//! Lengths and intents make no difference: DCBZ makes a block in the cache without reading it
//! first, and nothing goes past the cache. Not measured: emulators report no speed. Linux clears
//! its pages the same way.

use crate::cpu::Facts;
use crate::tuning::Tuning;

/// Candidates of [`Tuning::measure`]: of each mechanism the first that is available.
pub(crate) const MECHANISMS: &[&[&str]] = &[&["dcbz"], &["generic"]];

pub(crate) fn tuning(facts: &Facts) -> Tuning {
    Tuning::uniform(facts.first(&["dcbz"]))
}

#[cfg(test)]
mod tests {
    use crate::cpu::Feature;
    use crate::intent::Intent;
    use crate::tuning::testing::{cpu_with, steps};

    #[test]
    fn whole_blocks_where_their_size_is_known() {
        for intent in Intent::ALL {
            #[cfg(clearpage_ppc_asm)]
            assert_eq!(steps(&cpu_with(&[Feature::Dcbz], [0; 3]), intent), [("dcbz", 0)]);
            #[cfg(not(clearpage_ppc_asm))]
            assert_eq!(steps(&cpu_with(&[Feature::Dcbz], [0; 3]), intent), [("generic", 0)]);
            assert_eq!(steps(&cpu_with(&[], [0; 3]), intent), [("generic", 0)]);
        }
    }
}
