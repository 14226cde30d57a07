//! Lists the machine of a report, and how it was measured.

use std::fmt::Write;

use super::text::{Escaped, date};
use crate::harness::machine::Machine;
use crate::harness::units::format_size;
use crate::report::Report;

/// Returns the CPU's name without vendor and trade marks, and the microarchitecture: "AMD EPYC, Zen 4".
pub fn title(machine: &Machine) -> String {
    let vendor = format!(" ({})", machine.facts.vendor);
    let name = machine.cpu.strip_suffix(&vendor).unwrap_or(&machine.cpu);
    let name = name.replace("(R)", "").replace("(TM)", "");
    match &machine.microarchitecture {
        Some(microarchitecture) => format!("{name}, {microarchitecture}"),
        None => name,
    }
}

/// Returns what identifies the machine and the run, in a line.
pub fn subtitle(report: &Report) -> String {
    let Machine { cpu_signature, hypervisor, kernel, c_library, .. } = &report.machine;
    let hypervisor = hypervisor.as_ref().map(|name| format!("under {name}"));
    let parts = [
        cpu_signature.clone(),
        Some(hypervisor.unwrap_or_else(|| "no hypervisor seen".to_owned())),
        Some(kernel.clone()),
        c_library.clone(),
        Some(date(report.started)),
        Some(format!("clearpage {}", report.version)),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// Returns the machine and the conditions of the figures, as names and values.
pub fn list(report: &Report) -> String {
    let flag = |(name, set): &(String, bool)| format!("{name} {}", if *set { "yes" } else { "no" });
    let flags: Vec<_> = report.machine.facts.features.iter().map(flag).collect();
    let settings = [
        ("feature bits", flags.join(", ")),
        ("page size of the build", format_size(report.page_size as u64)),
        ("command", format!("clearpage {}", report.command.join(" "))),
        ("begun", date(report.started)),
        ("version", format!("{}, schema {}", report.version, report.schema)),
        ("samples a figure", report.samples()),
    ];
    facts(report.machine.description().into_iter().chain(settings))
}

/// Returns names and values as a list of HTML.
pub fn facts(facts: impl IntoIterator<Item = (&'static str, String)>) -> String {
    let mut out = "<dl class=\"facts\">\n".to_owned();
    for (name, value) in facts {
        let _ = writeln!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", Escaped(&value));
    }
    out.push_str("</dl>\n");
    out
}
