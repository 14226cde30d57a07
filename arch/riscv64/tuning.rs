//! Which primitive serves which length on riscv64: `cbo_zero` where there is one, `sd` elsewhere.
//!
//! Lengths and intents make no difference. A whole block at a time saves both the instructions and
//! the reading of lines that are about to be overwritten; no store hint of the base ISA goes past
//! the cache. Not measured: emulators say nothing of speed. Linux chooses the same way for its
//! `clear_page`.

use crate::tuning::Tuning;
use crate::primitive::{Available, usable};

pub(crate) fn tuning() -> Tuning {
    tuning_by(usable)
}

fn tuning_by(has: impl Fn(&str) -> Option<Available>) -> Tuning {
    let best = ["cbo_zero", "sd"].into_iter().find_map(has);
    Tuning::only(best.expect("every CPU has SD"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intent::Intent;
    use crate::tuning::testing::cpu_with;

    fn served(has: &[&str]) -> [&'static str; 2] {
        let tuning = tuning_by(cpu_with(has));
        [tuning.choose(Intent::Hot, 0).name(), tuning.choose(Intent::Cold, 1 << 30).name()]
    }

    #[test]
    fn whole_blocks_where_the_cpu_has_them() {
        assert_eq!(served(&["cbo_zero", "sd"]), ["cbo_zero"; 2]);
        assert_eq!(served(&["sd"]), ["sd"; 2]);
    }
}
