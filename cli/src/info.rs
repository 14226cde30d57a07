//! `clearpage info`: the facts of this machine.

use clearpage::{PAGE_SIZE, cpu};

use crate::harness::machine::Machine;
use crate::harness::table::plain;
use crate::harness::terminal::Plain;
use crate::harness::units::format_size;

/// Returns one fact per line.
pub fn text() -> String {
    let machine = Machine::detect();
    let cache = |bytes: usize| match bytes {
        0 => "unknown".to_owned(),
        _ => format_size(bytes as u64),
    };
    let mut table = plain();
    let mut row = |name: &str, value: String| {
        table.add_row([name, &Plain(value).to_string()]);
    };
    row("CPU", machine.cpu);
    if let Some(signature) = machine.cpu_signature {
        row("", signature);
    }
    if let Some(name) = machine.microarchitecture {
        row("microarchitecture", name);
    }
    if let Some(revision) = machine.microcode {
        row("microcode", revision);
    }
    for flag in cpu::flags() {
        row(
            flag.feature.name(),
            format!("{:3}  {}", if flag.set { "yes" } else { "no" }, flag.source),
        );
    }
    row("L1d cache", cache(machine.facts.l1d));
    row("L2 cache", cache(machine.facts.l2));
    row("L3 cache", cache(machine.facts.l3));
    row(
        "page size",
        format!(
            "{} here, {} in the operating system",
            format_size(PAGE_SIZE as u64),
            format_size(machine.os_page_size as u64)
        ),
    );
    if let Some(huge_pages) = machine.huge_pages {
        row("transparent huge pages", huge_pages);
    }
    row("hypervisor", machine.hypervisor.unwrap_or_else(|| "none seen".to_owned()));
    row("kernel", machine.kernel);
    if let Some(library) = machine.c_library {
        row("C library", library);
    }
    row("CPUs", machine.cpus.to_string());
    row("memory", format!("{:.1} GiB", machine.memory as f64 / (1_u64 << 30) as f64));
    format!("{table}\n")
}
