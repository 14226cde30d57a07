//! The groups that stand for a machine, and their fastest primitives as a table.

use std::fmt::Write;

use super::text::{breakable, percent, short};
use crate::harness::units::format_size;
use crate::report::group::{Group, Index, PLAN, groups, main_cpu, sizes};
use crate::report::{Cell, Report};

/// The groups that stand for the machine, which differ by temperature only: those of the main CPU
/// with the fewest threads, and the pages with the most figures, of equals the larger.
pub fn main_groups(report: &Report) -> Vec<(Group, Vec<&Cell>)> {
    let cpu = main_cpu(report);
    let mut groups = groups(report);
    groups.retain(|(group, _)| group.cpu == cpu);
    let fewest = groups.iter().map(|(group, _)| group.threads).min();
    groups.retain(|(group, _)| Some(group.threads) == fewest);
    let figures = |backing| {
        let alike = groups.iter().filter(|(group, _)| group.backing == backing);
        alike.map(|(_, cells)| cells.len()).sum::<usize>()
    };
    let backing = groups.iter().map(|(group, _)| group.backing).max_by_key(|&b| figures(b));
    groups.retain(|(group, _)| Some(group.backing) == backing);
    groups
}

/// A table: sizes down, temperatures across.
pub fn table(report: &Report) -> String {
    let groups = main_groups(report);
    let Some((first, _)) = groups.first() else {
        return "<p>Nothing was measured.</p>\n".to_owned();
    };
    let cells: Vec<&Cell> = groups.iter().flat_map(|(_, cells)| cells).copied().collect();
    let indices: Vec<_> = groups.iter().map(|(_, cells)| Index::new(cells)).collect();
    let mut out = String::new();
    let _ = write!(
        out,
        "<div class=\"scroll\"><table class=\"words\">\n<caption>Fastest primitive, its GB/s, and \
         clearpage’s throughput as a percentage of it ({})</caption>\n<thead><tr><th scope=\"col\">size</th>",
        first.setup()
    );
    for (group, _) in &groups {
        let _ = write!(out, "<th scope=\"col\">{}</th>", group.temperature.name());
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for size in sizes(&cells) {
        let _ = write!(out, "<tr><th scope=\"row\">{}</th>", format_size(size as u64));
        for index in &indices {
            out.push_str("<td>");
            if let Some(best) = index.best(size) {
                let name = breakable(&best.contender);
                let speed = short(best.gb_per_s);
                let plan = index.find(PLAN, size).and_then(|plan| plan.of_envelope);
                let plan =
                    plan.map_or_else(String::new, |plan| format!(", {}&#160;%", percent(plan)));
                let _ = write!(out, "{name} <small>{speed}{plan}</small>");
            }
            out.push_str("</td>");
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
    out
}
