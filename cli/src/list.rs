//! `clearpage list`: every primitive of this build, why it is unavailable, and what it serves.

use clearpage::cpu::Feature;
use clearpage::{PAGE_SIZE, Primitive, primitives};
use serde::Serialize;

use crate::format::Format;
use crate::harness::table::{is_wide, lines, ruled};
use crate::harness::units::format_size;
use crate::report::{PlanRow, plan};

/// A primitive as a row of JSON or CSV.
#[derive(Serialize)]
struct Row {
    name: &'static str,
    stores: &'static str,
    registers: &'static str,
    /// Bytes.
    block: usize,
    available: bool,
    /// Why it is not available.
    reason: Option<&'static str>,
    /// The lengths for which the plan uses it, an intent each, separated by "; ".
    serves: String,
}

impl Row {
    fn of(primitive: &'static Primitive) -> Self {
        let reason = primitive.available().err().map(|why| why.reason);
        Self {
            name: primitive.name(),
            stores: primitive.store().name(),
            registers: primitive.registers().name(),
            block: primitive.block(),
            available: reason.is_none(),
            reason,
            serves: serves(primitive).join("; "),
        }
    }
}

/// Returns the primitives.
pub fn text(format: Format) -> String {
    let rows: Vec<_> = primitives().iter().map(Row::of).collect();
    format.rows(&rows, || table(&rows))
}

fn table(rows: &[Row]) -> String {
    let wide = is_wide();
    let mut table = ruled();
    // On a narrow terminal, three short columns are one.
    let cells = |name: &str, kind: [&str; 3], available: &str, serves: String| {
        let kind = if wide { kind.map(str::to_owned).to_vec() } else { vec![kind.join("\n")] };
        [vec![name.to_owned()], kind, vec![available.to_owned(), serves]].concat()
    };
    let kind = ["stores", "registers", "block"];
    table.set_header(cells("primitive", kind, "available", "serves".to_owned()));
    for row in rows {
        let kind = [row.stores, row.registers, &format_size(row.block as u64)];
        let available = row.reason.unwrap_or("yes");
        table.add_row(cells(row.name, kind, available, row.serves.replace("; ", "\n")));
    }
    lines(table)
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
