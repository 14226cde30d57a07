//! A replay as a table, with the published rows below the measured ones.

use crate::report::{Arm, Report, Times, Workload};
use clearpage_cli::harness::table::{align_right, lines, ruled};
use clearpage_cli::harness::units::count;

/// Returns a replay as text.
pub fn text(report: &Report) -> String {
    let mut out = format!("{}\n", title(&report.workload));
    out += &format!(
        "{}; {:.2} GiB cleared a run, {}\n",
        report.memory.words(),
        report.cleared as f64 / (1_u64 << 30) as f64,
        count(report.arms[0].init.samples.len(), "round")
    );
    let mut table = ruled();
    let header = report.arms.iter().map(|arm| format!("{}\n{}", arm.name, arm.what));
    table.set_header([String::new()].into_iter().chain(header));
    let mut row = |name: String, figures: Vec<String>| {
        table.add_row([name].into_iter().chain(figures));
    };
    row("init, by the hook".to_owned(), figures(&report.arms, |arm| &arm.init));
    row("total, by the clock".to_owned(), figures(&report.arms, |arm| &arm.total));
    for row_of in &report.published {
        let after = with_change(row_of.after, row_of.change, row_of.before / row_of.after);
        let name = format!("published: {}, {}", row_of.workload, row_of.figure);
        row(name, vec![seconds(row_of.before), after]);
    }
    align_right(&mut table, 1..);
    out += &lines(table);
    let before = &report.arms[0];
    out += &format!(
        "Init was {:.1} % of the total before.\n",
        100.0 * before.init.seconds / before.total.seconds
    );
    if let Some(found) = found(&report.workload) {
        out += &format!("{found}\n");
    }
    for note in &report.notes {
        out += &format!("{note}\n");
    }
    if !report.complete {
        out += "interrupted: these are the completed rounds\n";
    }
    out
}

/// Returns the time of each arm, with the change for all but the first.
fn figures(arms: &[Arm], pick: fn(&Arm) -> &Times) -> Vec<String> {
    let first = seconds(pick(&arms[0]).seconds);
    let others = arms[1..].iter().map(|arm| {
        let Times { seconds, change, .. } = *pick(arm);
        with_change(seconds, change, 1.0 / (1.0 + change))
    });
    [first].into_iter().chain(others).collect()
}

fn with_change(time: f64, change: f64, times_as_fast: f64) -> String {
    format!("{}\n{:+.1} %, {times_as_fast:.2}x", seconds(time), 100.0 * change)
}

/// Formats seconds: 1841.8 is "30m 41.8s", 0.0123 is "12.3 ms".
fn seconds(seconds: f64) -> String {
    match seconds {
        60.0.. => format!("{:.0}m {:.1}s", (seconds / 60.0).floor(), seconds % 60.0),
        0.1.. => format!("{seconds:.3} s"),
        1e-3.. => format!("{:.2} ms", 1e3 * seconds),
        _ => format!("{:.1} us", 1e6 * seconds),
    }
}

fn title(workload: &Workload) -> String {
    match workload {
        Workload::Hugetlb { blocks, block } => {
            format!("hugetlb: {blocks} x {} MiB under init_on_alloc", block >> 20)
        }
        Workload::Graph500 { scale, edge_factor, roots, .. } => format!(
            "graph500: scale {scale}, edge factor {edge_factor}, breadth-first search from {roots} \
             roots, under init_on_alloc"
        ),
        Workload::Pagerank { scale, edge_factor, threads, .. } => format!(
            "pagerank: scale {scale}, edge factor {edge_factor}, threads: {threads}, under \
             init_on_alloc"
        ),
    }
}

/// Returns the further results of a workload.
fn found(workload: &Workload) -> Option<String> {
    match workload {
        Workload::Hugetlb { .. } => None,
        Workload::Graph500 { teps, roots, .. } => {
            let teps: Vec<_> = teps.iter().map(|teps| format!("{:.1}", teps / 1e6)).collect();
            Some(format!(
                "{roots} trees validated by the rules of Graph500, and the same bit for bit in \
                 every run.\nMillion edges a second, harmonic mean, by column: {}.",
                teps.join(", ")
            ))
        }
        Workload::Pagerank { iterations, distance, .. } => Some(format!(
            "{iterations} iterations; the ranks are within {distance:.1e} of the fixed point, and \
             the same bit for bit\nin every run."
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_they_were_published() {
        let cases =
            [(1841.8, "30m 41.8s"), (72.8, "1m 12.8s"), (1.5, "1.500 s"), (0.445, "0.445 s")];
        for (time, text) in cases {
            assert_eq!(seconds(time), text);
        }
        assert_eq!(seconds(0.0123), "12.30 ms");
        assert_eq!(seconds(12.3e-6), "12.3 us");
        assert_eq!(with_change(0.166, -0.627, 0.445 / 0.166), "0.166 s\n-62.7 %, 2.68x");
    }
}
