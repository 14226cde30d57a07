//! `clearpage list`: every primitive of this build, usable or why not, and what it serves.

use clearpage::cpu::Feature;
use clearpage::{Intent, PAGE_SIZE, Primitive, primitives};

use crate::harness::table::ruled;
use crate::harness::units::format_size;

/// Returns the table of primitives.
pub fn text() -> String {
    let mut table = ruled();
    table.set_header(["primitive", "stores", "registers", "block", "available", "serves"]);
    for primitive in primitives() {
        table.add_row([
            primitive.name().to_owned(),
            primitive.store().name().to_owned(),
            primitive.registers().name().to_owned(),
            format_size(primitive.block() as u64),
            match primitive.available() {
                Ok(_) => "yes".to_owned(),
                Err(why) => why.to_string(),
            },
            serves(primitive).join("\n"),
        ]);
    }
    format!("{table}\n")
}

/// Returns what holds for every CPU of this ISA as Markdown: its section in docs/primitives.md.
pub fn markdown() -> String {
    let head = "| primitive | stores | registers | needs | block |\n|---|---|---|---|--:|\n";
    let mut out = head.to_owned();
    for row in primitives() {
        let needs = row.needs().map_or(String::new(), |feature| format!("{} ", feature.name()));
        let block = match row.needs() {
            Some(Feature::DcZva | Feature::Zicboz | Feature::Dcbz) => "of the CPU".to_owned(),
            _ => row.block().to_string(),
        };
        let (name, stores, registers) = (row.name(), row.store().name(), row.registers().name());
        out += &format!("| `{name}` | {stores} | {registers} | {needs}| {block} |\n");
    }
    out
}

/// The lengths that the plan gives to `primitive`, an intent a line.
fn serves(primitive: &Primitive) -> Vec<String> {
    // The plan changes only at powers of two; from here on it is one choice for every length.
    const LARGEST: u32 = if usize::BITS < 40 { usize::BITS - 2 } else { 40 };
    let lengths = || (PAGE_SIZE.ilog2()..=LARGEST).map(|shift| 1_usize << shift);
    let mut lines = Vec::new();
    for intent in Intent::ALL {
        let served = |len: &usize| *clearpage::primitive_for(intent, *len) == *primitive;
        let mut rest = lengths().peekable();
        while let Some(from) = rest.find(served) {
            let to = rest.find(|len| !served(len));
            let from = match from {
                PAGE_SIZE => String::new(),
                _ => format!(" from {}", format_size(from as u64)),
            };
            let to = to.map_or(String::new(), |to| format!(" to {}", format_size(to as u64)));
            let all = if from.is_empty() && to.is_empty() { " always" } else { "" };
            lines.push(format!("{}{from}{to}{all}", intent.name()));
        }
    }
    lines
}
