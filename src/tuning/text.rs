//! Reads and writes a tuning as text:
//!
//! ```text
//! clearpage-tuning 2
//! isa x86_64
//! vendor AuthenticAMD
//! ...
//! auto 0 avx2
//! auto 32768 stosb
//! hot 0 avx2
//! cold 0 avx2
//! cold 8192 movntdq_avx2
//! end
//! ```
//!
//! The version is followed by the [`Facts`] of the CPU on which the tuning was made, its microcode
//! revision and the primitives of the build, one on each line. The tuning is valid only if all of
//! them match. Each further line is a step: intent, first length in bytes (0 or a power of two),
//! primitive. The steps of an intent are contiguous, ascend and start at 0. `end` shows that the
//! text is complete.

use core::fmt::{self, Arguments, Write};
use core::str::FromStr;

use super::Tuning;
use crate::cpu::{Caches, Facts, Feature, microcode};
use crate::intent::Intent;
use crate::primitive::{Primitive, named, primitives};

const HEADER: &str = "clearpage-tuning";
const VERSION: &str = "2";
const NEWEST: u32 = 2;
const END: &str = "end";

/// The reason why a text is not a tuning for this CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TuningError {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong with the line.
    pub reason: &'static str,
    foreign: bool,
    /// The fact that differs, and its value in the text.
    found: Option<(&'static str, Value)>,
}

impl TuningError {
    /// Returns whether the text may be a valid tuning for another CPU, microcode, hypervisor or
    /// version of this crate. `CLEARPAGE_TUNING` ignores such a file, with a message. Any other
    /// error ends the process.
    pub const fn is_foreign(&self) -> bool {
        self.foreign
    }
}

impl fmt::Display for TuningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)?;
        let Some((fact, found)) = &self.found else { return Ok(()) };
        // The only error of this loop is that of the formatter.
        key(|name, value, _| {
            if name == *fact {
                write!(f, ": {fact} {found}, this machine has {value}")
            } else {
                Ok(())
            }
        })
    }
}

impl core::error::Error for TuningError {}

/// A short copy of a value from the text, for the message: the error outlives the text, and nothing
/// here allocates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Value {
    bytes: [u8; Self::MOST],
    len: usize,
}

impl Value {
    /// Without `std` there are no files of tunings, and a kernel's parser copies nothing.
    const MOST: usize = if cfg!(feature = "std") { 32 } else { 0 };

    /// Returns a copy of a value that is short and printable.
    fn of(text: &str) -> Option<Self> {
        let printable = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        let mut bytes = [0; Self::MOST];
        bytes.get_mut(..text.len()).filter(|_| printable)?.copy_from_slice(text.as_bytes());
        Some(Self { bytes, len: text.len() })
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes[..self.len].iter().try_for_each(|&byte| f.write_char(char::from(byte)))
    }
}

/// Passes to `put` each line that must match: its name, its value, and the error if it differs.
fn key<E>(
    mut put: impl FnMut(&'static str, Arguments<'_>, &'static str) -> Result<(), E>,
) -> Result<(), E> {
    let facts = Facts::detect();
    let Facts { isa, vendor, family, model, stepping, block, hypervisor, .. } = facts;
    let Caches { l1d, l2, l3 } = facts.caches;
    let features = Names(facts.features.iter().map(Feature::name));
    let rows = Names(primitives().iter().map(Primitive::name));
    let cpu = "made on another model of CPU";
    put("isa", format_args!("{isa}"), "made on another instruction set architecture")?;
    put("vendor", format_args!("{}", vendor.name()), "made on a CPU of another vendor")?;
    put("family", format_args!("{family}"), cpu)?;
    put("model", format_args!("{model}"), cpu)?;
    put("stepping", format_args!("{stepping}"), "made on another stepping of this CPU")?;
    let other = "made with another revision of the microcode";
    match microcode() {
        Some(revision) => put("microcode", format_args!("{revision:#x}"), other)?,
        None => put("microcode", format_args!("unknown"), other)?,
    }
    let other = "made with a hypervisor and there is none now, or the reverse";
    put("hypervisor", format_args!("{hypervisor}"), other)?;
    put("caches", format_args!("{l1d} {l2} {l3}"), "made with caches of other sizes")?;
    put("block", format_args!("{block}"), "made with blocks of another size")?;
    put("features", format_args!("{features}"), "made with other feature bits")?;
    put("primitives", format_args!("{rows}"), "made by a build with other primitives")
}

struct Names<T>(T);

impl<T: Iterator<Item = &'static str> + Clone> fmt::Display for Names<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, name) in self.0.clone().enumerate() {
            write!(f, "{}{name}", if i == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

impl fmt::Display for Tuning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER} {VERSION}")?;
        key(|name, value, _| writeln!(f, "{name} {value}"))?;
        for intent in Intent::ALL {
            for (from, primitive) in self.steps(intent) {
                writeln!(f, "{} {from} {}", intent.name(), primitive.name())?;
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
        match reader.next().and_then(|line| line.split_once(' ')) {
            Some((HEADER, VERSION)) => {}
            Some((HEADER, version)) => {
                let reason = match version.parse::<u32>() {
                    Ok(version) if version > NEWEST => "made by a newer version of clearpage",
                    Ok(_) => "made by an older version of clearpage",
                    Err(_) => "made by another version of clearpage",
                };
                return Err(TuningError { line: reader.line, reason, foreign: true, found: None });
            }
            _ => return reader.wrong("not a tuning: it should begin with \"clearpage-tuning 2\""),
        }
        if text.trim_end().lines().last() != Some(END) {
            reader.line = text.lines().count();
            return reader.wrong("the text ends without \"end\": it was cut off");
        }
        key(|name, expected, reason| {
            let Some(value) = reader.next().and_then(|line| line.strip_prefix(name)) else {
                return reader.wrong("a fact of the CPU is missing, or not in its place");
            };
            let mut rest = Compare(value.trim_start());
            if rest.write_fmt(expected).is_ok() && rest.0.is_empty() {
                Ok(())
            } else {
                let found = Value::of(value.trim_start()).map(|value| (name, value));
                Err(TuningError { line: reader.line, reason, foreign: true, found })
            }
        })?;
        let mut tuning: Option<Self> = None;
        let mut last: Option<(usize, usize)> = None;
        while let Some(line) = reader.next().filter(|&line| line != END) {
            let (intent, from, primitive) = match step(line) {
                Ok(step) => step,
                Err(reason) => return reader.wrong(reason),
            };
            let place = (intent as usize, from);
            match last {
                None if place == (0, 0) => {}
                Some(before) if before.0 == place.0 && before.1 < from => {}
                Some(before) if before.0 + 1 == place.0 && from == 0 => {}
                _ => return reader.wrong("out of order: auto, hot, cold, each from 0 upwards"),
            }
            last = Some(place);
            let so_far = tuning.unwrap_or_else(|| Self::uniform(primitive));
            tuning = Some(so_far.with_step(intent, from, primitive));
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
        Err(TuningError { line: self.line, reason, foreign: false, found: None })
    }
}

/// Parses a step: intent, first length, primitive.
fn step(line: &str) -> Result<(Intent, usize, &'static Primitive), &'static str> {
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
    let primitive = named(name).ok_or("no primitive of this build is called that")?;
    if primitive.sets_tags() {
        let reason =
            "this primitive sets memory tags: allowed are the others of line \"primitives\"";
        return Err(reason);
    }
    primitive.available().map_err(|why| why.reason)?;
    Ok((intent, from, primitive))
}

/// The rest of a text that must equal what is written to it. It does not allocate.
struct Compare<'a>(&'a str);

impl Write for Compare<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.strip_prefix(text).ok_or(fmt::Error)?;
        Ok(())
    }
}
