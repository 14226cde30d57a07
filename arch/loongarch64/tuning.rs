//! Which primitive serves which length on loongarch64.
//!
//! Nothing was measured on a real CPU. The widest store that is there needs the fewest
//! instructions, and no store passes the cache: one primitive serves every length and intent.

use super::PRIMITIVES;
use crate::intent::Tuning;
use crate::primitive::{Available, find};

pub(crate) fn tuning() -> Tuning {
    choose(&|name| find(name)?.available().ok())
}

fn choose(has: &dyn Fn(&'static str) -> Option<Available>) -> Tuning {
    Tuning::only(has("lasx").or(has("lsx")).or(has("st_d")).unwrap_or_else(generic))
}

/// The last row.
fn generic() -> Available {
    // SAFETY: word stores need nothing of the CPU.
    unsafe { Available::new_unchecked(&PRIMITIVES[PRIMITIVES.len() - 1]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intent::Intent;

    /// Who serves a page on a CPU that has these rows.
    fn chosen(has: &[&str]) -> [&'static str; 3] {
        // SAFETY: the plan is only read here; nothing is cleared by it.
        let row = |name| find(name).map(|p| unsafe { Available::new_unchecked(p) });
        let tuning = choose(&|name| has.contains(&name).then(|| row(name)).flatten());
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
