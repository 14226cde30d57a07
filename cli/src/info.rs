//! `clearpage info`: the facts of this machine.

use clearpage::{PAGE_SIZE, cpu};
use serde::Serialize;

use crate::format::{Format, json};
use crate::harness::machine::Machine;
use crate::harness::table::{lines, plain};
use crate::harness::terminal::Plain;
use crate::harness::units::format_size;

/// A fact as a row of CSV.
#[derive(Serialize)]
struct Fact {
    fact: &'static str,
    value: String,
}

/// Returns one fact per line; as JSON, the `machine` of a report.
pub fn text(format: Format) -> String {
    let machine = Machine::detect();
    if format == Format::Json {
        return json(&machine);
    }
    let mut facts: Vec<_> =
        machine.description().into_iter().map(|(fact, value)| Fact { fact, value }).collect();
    let page_size = format_size(PAGE_SIZE as u64);
    facts.push(Fact { fact: "page size of the build", value: page_size });
    facts.extend(cpu::flags().map(|flag| {
        let set = if flag.set { "yes" } else { "no" };
        Fact { fact: flag.feature.name(), value: format!("{set:3}  {}", flag.source) }
    }));
    format.rows(&facts, || {
        let mut table = plain();
        for Fact { fact, value } in &facts {
            table.add_row([*fact, &Plain(value).to_string()]);
        }
        lines(table)
    })
}
