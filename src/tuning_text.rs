//! A tuning as text:
//!
//! ```text
//! clearpage-tuning 1
//! cpu x86_64 model=b00f21 l1d=49152 l2=1048576 l3=33554432 erms avx2 clzero
//! auto 0 avx2
//! auto 32768 stosb
//! hot 0 avx2
//! cold 0 avx2
//! cold 8192 clzero
//! end
//! ```
//!
//! One step a line: intent, first length in bytes (0 or a power of two), primitive. The steps of
//! an intent stand together and grow; its first is from 0. `end` shows that nothing was cut off.

use core::fmt::{self, Write};
use core::str::FromStr;

use crate::arch;
use crate::cpu;
use crate::intent::Intent;
use crate::primitive::find;
use crate::tuning::Tuning;

const HEADER: &str = "clearpage-tuning 1";
const END: &str = "end";
const ARCH: &str = env!("CLEARPAGE_ARCH");

/// Why a text is no tuning for this CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TuningError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl fmt::Display for TuningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl core::error::Error for TuningError {}

/// The line that tells this CPU from others whose tuning may be another: what the choice of a
/// primitive depends on, and the model that it was measured on.
fn write_cpu(f: &mut impl Write) -> fmt::Result {
    let cpu::Caches { l1d, l2, l3 } = cpu::caches();
    let model = arch::model();
    write!(f, "cpu {ARCH} model={model:x} l1d={l1d} l2={l2} l3={l3}")?;
    cpu::flags().filter(|flag| flag.set).try_for_each(|flag| write!(f, " {}", flag.name))
}

impl fmt::Display for Tuning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        write_cpu(f)?;
        writeln!(f)?;
        for intent in Intent::ALL {
            for (from, primitive) in self.steps(intent) {
                writeln!(f, "{} {from} {}", intent.name(), primitive.primitive().name())?;
            }
        }
        writeln!(f, "{END}")
    }
}

impl FromStr for Tuning {
    type Err = TuningError;

    /// Reads what `Display` wrote on this CPU.
    fn from_str(text: &str) -> Result<Self, TuningError> {
        let mut reader = Reader { lines: text.lines(), line: 0 };
        if reader.next() != Some(HEADER) {
            return reader.wrong("not a tuning: it should begin with \"clearpage-tuning 1\"");
        }
        let mut same = Compare { rest: reader.next().unwrap_or_default(), same: true };
        if write_cpu(&mut same).is_err() || !same.same || !same.rest.is_empty() {
            return reader.wrong("made on another CPU, or with another hypervisor or version");
        }
        let mut tuning: Option<Self> = None;
        let mut last: Option<(usize, usize)> = None;
        loop {
            let Some(line) = reader.next() else {
                return reader.wrong("the text ends without \"end\": it was cut off");
            };
            if line == END {
                break;
            }
            let (intent, from, name) = match reader.step(line) {
                Ok(step) => step,
                Err(reason) => return reader.wrong(reason),
            };
            let Some(primitive) = find(name) else {
                return reader.wrong("no primitive of this build is called that");
            };
            let primitive = match primitive.available() {
                Ok(primitive) => primitive,
                Err(why) => return reader.wrong(why.reason),
            };
            let place = (intent as usize, from);
            match last {
                None if place == (0, 0) => {}
                Some(before) if before.0 == place.0 && before.1 < from => {}
                Some(before) if before.0 + 1 == place.0 && from == 0 => {}
                _ => return reader.wrong("out of order: auto, hot, cold, each from 0 upwards"),
            }
            last = Some(place);
            let so_far = tuning.unwrap_or_else(|| Self::only(primitive));
            tuning = Some(so_far.then(intent, from, primitive));
        }
        match (tuning, last) {
            (Some(tuning), Some((intent, _))) if intent + 1 == Intent::ALL.len() => {
                if reader.lines.any(|line| !line.trim().is_empty()) {
                    return reader.wrong("\"end\" is not the end");
                }
                Ok(tuning)
            }
            _ => reader.wrong("an intent is missing: auto, hot and cold each have their steps"),
        }
    }
}

struct Reader<'a> {
    lines: core::str::Lines<'a>,
    line: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<&'a str> {
        self.line += 1;
        self.lines.next().map(str::trim_end)
    }

    fn wrong<T>(&self, reason: &'static str) -> Result<T, TuningError> {
        Err(TuningError { line: self.line, reason })
    }

    /// Intent, first length, name.
    fn step(&self, line: &'a str) -> Result<(Intent, usize, &'a str), &'static str> {
        let mut words = line.split(' ');
        let (Some(intent), Some(from), Some(name), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err("a step is an intent, a length in bytes and a primitive");
        };
        let intent = Intent::ALL.into_iter().find(|known| known.name() == intent);
        let intent = intent.ok_or("no such intent: allowed are auto, hot and cold")?;
        let from: usize = from.parse().map_err(|_| "the length is no number")?;
        if from != 0 && !from.is_power_of_two() {
            return Err("the length is neither 0 nor a power of two");
        }
        Ok((intent, from, name))
    }
}

/// Compares what is written to it with a text, without memory for either.
struct Compare<'a> {
    rest: &'a str,
    same: bool,
}

impl Write for Compare<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        match self.rest.strip_prefix(text) {
            Some(rest) => self.rest = rest,
            None => self.same = false,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::string::{String, ToString};

    use super::*;

    fn error(text: &str) -> (usize, &'static str) {
        let error = text.parse::<Tuning>().unwrap_err();
        (error.line, error.reason)
    }

    fn text() -> String {
        Tuning::detect().to_string()
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(text().parse::<Tuning>(), Ok(Tuning::detect()));
        let generic = find("generic").unwrap().available().unwrap();
        let other =
            Tuning::detect().then(Intent::Hot, 1 << 20, generic).then(Intent::Cold, 1, generic);
        assert_eq!(other.to_string().parse::<Tuning>(), Ok(other));
        // A build that has nothing but `generic` has one tuning.
        let detected = Tuning::detect();
        assert_eq!(other == detected, detected == Tuning::only(generic));
    }

    /// Cut anywhere, it is refused: at a line or in the middle of one.
    #[test]
    fn what_was_cut_off_is_refused() {
        let text = text();
        for len in 0..text.trim_end().len() {
            assert!(text[..len].parse::<Tuning>().is_err(), "{}", &text[..len]);
        }
    }

    #[test]
    fn errors_have_the_line_and_the_reason() {
        let text = text();
        assert_eq!(error("").0, 1);
        assert_eq!(error("clearpage-tuning 2\n").0, 1);
        let foreign = text.replacen("model=", "model=f", 1);
        assert_eq!(error(&foreign).0, 2);
        assert!(error(&foreign).1.contains("another CPU"));
        let first = "auto 0 ";
        for (with, reason) in [
            ("tepid 0 ", "no such intent"),
            ("auto x ", "no number"),
            ("auto 3000 ", "power of two"),
            ("auto 4096 ", "out of order"),
            ("hot 0 ", "out of order"),
            ("auto 0 x", "no primitive"),
            ("auto  0 ", "a step is"),
        ] {
            let (line, why) = error(&text.replacen(first, with, 1));
            assert!(line == 3 && why.contains(reason), "{with}: line {line}: {why}");
        }
        let lines: usize = text.lines().count();
        assert_eq!(error(&(text.clone() + "more\n")), (lines, "\"end\" is not the end"));
        let end = text.find("cold 0").unwrap();
        assert!(error(&(text[..end].to_string() + "end\n")).1.contains("missing"));
    }
}
