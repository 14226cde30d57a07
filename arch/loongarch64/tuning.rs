//! Which primitive serves which length on loongarch64.
//!
//! Nothing was measured on a real CPU. The widest store that is there needs the fewest
//! instructions, and no store passes the cache: one primitive serves every length and intent.

use crate::arch::generic;
use crate::tuning::Tuning;
use crate::primitive::{Available, usable};

pub(crate) fn tuning() -> Tuning {
    choose(&usable)
}

fn choose(has: &dyn Fn(&str) -> Option<Available>) -> Tuning {
    Tuning::only(has("lasx").or(has("lsx")).or(has("st_d")).unwrap_or_else(generic))
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
    fn the_widest_serves_everything() {
        assert_eq!(chosen(&["st_d", "lsx", "lasx"]), ["lasx"; 3]);
        assert_eq!(chosen(&["st_d", "lsx"]), ["lsx"; 3]);
        assert_eq!(chosen(&["st_d"]), ["st_d"; 3]);
        assert_eq!(chosen(&[]), ["generic"; 3]);
    }
}
