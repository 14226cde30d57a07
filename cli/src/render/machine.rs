//! Lists the machine of a report, and how it was measured.

use std::fmt::Write;

use super::text::{Escaped, date};
use crate::harness::units::format_size;
use crate::report::Report;

/// Returns the machine and the conditions of the figures, as names and values.
pub fn list(report: &Report) -> String {
    let machine = &report.machine;
    let cache = |bytes: usize| match bytes {
        0 => "unknown".to_owned(),
        _ => format_size(bytes as u64),
    };
    let told = |fact: &Option<String>| fact.clone().unwrap_or_else(|| "not told".to_owned());
    let flag = |(name, set): &(String, bool)| format!("{name} {}", if *set { "yes" } else { "no" });
    let flags: Vec<_> = machine.facts.features.iter().map(flag).collect();
    let facts = [
        ("CPU", machine.cpu.clone()),
        ("microarchitecture", told(&machine.microarchitecture)),
        ("signature", told(&machine.cpu_signature)),
        ("microcode", told(&machine.microcode)),
        ("governor", told(&machine.governor)),
        ("architecture", machine.facts.isa.clone()),
        ("feature bits", flags.join(", ")),
        ("L1d cache", cache(machine.facts.l1d)),
        ("L2 cache", cache(machine.facts.l2)),
        ("L3 cache", cache(machine.facts.l3)),
        ("page", format_size(report.page_size as u64)),
        ("page of the system", format_size(machine.os_page_size as u64)),
        ("transparent huge pages", told(&machine.huge_pages)),
        ("hypervisor", machine.hypervisor.clone().unwrap_or_else(|| "none seen".to_owned())),
        ("kernel", machine.kernel.clone()),
        ("C library", told(&machine.c_library)),
        ("CPUs", machine.cpus.to_string()),
        ("memory", format!("{:.1} GiB", machine.memory as f64 / (1_u64 << 30) as f64)),
        ("command", format!("clearpage {}", report.command.join(" "))),
        ("begun", date(report.started)),
        ("version", format!("{}, schema {}", report.version, report.schema)),
        ("samples a figure", samples(report)),
    ];
    let mut out = "<dl class=\"facts\">\n".to_owned();
    for (name, value) in facts {
        let _ = writeln!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", Escaped(&value));
    }
    out.push_str("</dl>\n");
    out
}

/// Formats the minimum and the maximum.
fn samples(report: &Report) -> String {
    let samples = || report.cells.iter().map(|cell| cell.samples);
    match (samples().min(), samples().max()) {
        (Some(fewest), Some(most)) if fewest < most => format!("{fewest} to {most}"),
        (Some(all), _) => all.to_string(),
        _ => "none".to_owned(),
    }
}
