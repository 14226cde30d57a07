//! A tuning as text. If it parses, it chooses the primitives of the text, and its printed form parses
//! to the same tuning. Otherwise the error names a line of the text.
#![no_main]

use std::sync::LazyLock;

use clearpage::{Intent, Tuning};
use libfuzzer_sys::fuzz_target;

/// The lines with the facts of this CPU. They replace an `@` in an input, so that inputs work on
/// every machine.
static FACTS: LazyLock<String> = LazyLock::new(|| {
    let text = Tuning::detect().to_string();
    let facts = text.lines().skip(1).take_while(|line| !line.starts_with("auto "));
    facts.collect::<Vec<_>>().join("\n")
});

fuzz_target!(|input: &str| {
    let text = input.replacen('@', &FACTS, 1);
    match text.parse::<Tuning>() {
        Err(error) => {
            let lines = text.lines().count().max(1);
            assert!((1..=lines).contains(&error.line), "{error}, of {lines} lines");
        }
        Ok(tuning) => {
            assert_eq!(tuning.to_string().parse(), Ok(tuning));
            let lengths = (0..usize::BITS).map(|shift| 1 << shift);
            for len in lengths.flat_map(|len: usize| [len - 1, len, len + 1]).chain([usize::MAX]) {
                for intent in Intent::ALL {
                    let expected = step(&text, intent, len);
                    assert_eq!(
                        Some(tuning.choose(intent, len).name()),
                        expected,
                        "{intent:?} {len}"
                    );
                }
            }
        }
    }
});

/// Returns the primitive of the last step for `intent` that starts at `len` or below.
fn step(text: &str, intent: Intent, len: usize) -> Option<&str> {
    let steps = text.lines().filter_map(|line| {
        let (from, primitive) =
            line.trim_end().strip_prefix(intent.name())?.strip_prefix(' ')?.split_once(' ')?;
        (from.parse::<usize>().ok()? <= len).then_some(primitive)
    });
    steps.fold(None, |_, step| Some(step))
}
