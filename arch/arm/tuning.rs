//! Which primitive serves which length on arm.
//!
//! Nothing was measured on a real CPU. NEON, where it is there, stores 32 bytes an instruction
//! and STM 16, and no store passes the cache: one primitive serves every length and intent.

use crate::arch::generic;
use crate::tuning::Tuning;
use crate::primitive::{Available, usable};

pub(crate) fn tuning() -> Tuning {
    choose(&usable)
}

fn choose(has: &dyn Fn(&str) -> Option<Available>) -> Tuning {
    Tuning::only(has("neon").or(has("stm")).unwrap_or_else(generic))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intent::Intent;
    use crate::tuning::testing::cpu_with;

    /// Who serves a page on a CPU that has these rows.
    fn chosen(has: &[&str]) -> [&'static str; 3] {
        let tuning = choose(&cpu_with(has));
        Intent::ALL.map(|intent| tuning.choose(intent, 4096).name())
    }

    #[test]
    fn neon_before_stm_before_generic() {
        assert_eq!(chosen(&["stm", "neon"]), ["neon"; 3]);
        assert_eq!(chosen(&["stm"]), ["stm"; 3]);
        assert_eq!(chosen(&[]), ["generic"; 3]);
    }
}
