//! Which primitive serves which length on powerpc64: the first of the table that there is.
//!
//! Lengths and intents make no difference: DCBZ makes a block in the cache without reading it
//! first, and nothing goes past the cache. Not measured: emulators say nothing of speed. Linux
//! clears its pages the same way.

use super::PRIMITIVES;
use crate::tuning::Tuning;
use crate::primitive::{Available, Primitive};

pub(crate) fn tuning() -> Tuning {
    tuning_by(|row| row.available().ok())
}

fn tuning_by(has: impl Fn(&'static Primitive) -> Option<Available>) -> Tuning {
    let first = PRIMITIVES.iter().find_map(has);
    Tuning::only(first.expect("every CPU has the last row"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intent::Intent;
    use crate::tuning::testing::cpu_with;

    fn served(has: &[&str]) -> [&'static str; 2] {
        let tuning = tuning_by(|p| cpu_with(has)(p.name()));
        [tuning.choose(Intent::Hot, 0).name(), tuning.choose(Intent::Cold, 1 << 30).name()]
    }

    #[test]
    fn whole_blocks_where_their_size_is_known() {
        #[cfg(clearpage_ppc_asm)]
        assert_eq!(served(&["dcbz", "generic"]), ["dcbz"; 2]);
        assert_eq!(served(&["generic"]), ["generic"; 2]);
    }
}
