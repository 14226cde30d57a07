//! Chooses the primitive for each intent and length on loongarch64.
//!
//! Nothing was measured on a real CPU. The widest store needs the fewest instructions, and no store
//! passes the cache: one primitive serves every length and intent.

use crate::cpu::Facts;
use crate::tuning::Tuning;

/// Candidates of [`Tuning::measure`]: of each mechanism the first that is available.
pub(crate) const MECHANISMS: &[&[&str]] = &[&["lasx", "lsx"], &["st_d"]];

pub(crate) fn tuning(facts: &Facts) -> Tuning {
    Tuning::uniform(facts.first(&["lasx", "lsx", "st_d"]))
}

#[cfg(test)]
mod tests {
    use crate::cpu::Feature::{Lasx, Lsx};
    use crate::intent::Intent;
    use crate::tuning::testing::{cpu_with, steps};

    #[test]
    fn the_widest_serves_everything() {
        for intent in Intent::ALL {
            #[cfg(any(target_feature = "lsx", feature = "std"))]
            {
                assert_eq!(steps(&cpu_with(&[Lsx, Lasx], [0; 3]), intent), [("lasx", 0)]);
                assert_eq!(steps(&cpu_with(&[Lsx], [0; 3]), intent), [("lsx", 0)]);
            }
            assert_eq!(steps(&cpu_with(&[], [0; 3]), intent), [("st_d", 0)]);
        }
    }
}
