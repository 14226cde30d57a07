//! `clearpage list`: every primitive of this build, why it is unavailable, and what it serves.

use clearpage::cpu::Feature;
use clearpage::{PAGE_SIZE, Primitive, primitives};

use crate::harness::table::ruled;
use crate::harness::units::format_size;
use crate::report::{PlanRow, plan};

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

/// Returns the lengths for which the plan uses `primitive`, an intent a line.
fn serves(primitive: &Primitive) -> Vec<String> {
    let plan = plan();
    let rows = plan.iter().enumerate().filter(|(_, row)| row.primitive == primitive.name());
    let line = |(i, row): (usize, &PlanRow)| {
        let next = plan.get(i + 1).filter(|next| next.intent == row.intent);
        let to = next.map(|next| format!(" to {}", format_size(next.from as u64)));
        let from = format!(" from {}", format_size(row.from as u64));
        let lengths = match (row.from, to) {
            (PAGE_SIZE, None) => " always".to_owned(),
            (PAGE_SIZE, Some(to)) => to,
            (_, to) => from + &to.unwrap_or_default(),
        };
        row.intent.clone() + &lengths
    };
    rows.map(line).collect()
}
