//! `clearpage info`: the facts of this machine.

use clearpage::{PAGE_SIZE, cpu};

use crate::harness::machine::Machine;
use crate::harness::table::plain;
use crate::harness::terminal::Plain;
use crate::harness::units::format_size;

/// Returns one fact per line.
pub fn text() -> String {
    let mut table = plain();
    for (name, fact) in Machine::detect().description() {
        table.add_row([name, &Plain(fact).to_string()]);
    }
    table.add_row(["page size of the build", &format_size(PAGE_SIZE as u64)]);
    for flag in cpu::flags() {
        let set = if flag.set { "yes" } else { "no" };
        table.add_row([flag.feature.name(), &format!("{set:3}  {}", flag.source)]);
    }
    format!("{table}\n")
}
