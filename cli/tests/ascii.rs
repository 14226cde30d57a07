//! Under `TERM=dumb`, every command prints ASCII alone.

#[path = "common/report.rs"]
mod sample;
mod tool;

use std::fs;
use std::path::Path;

use clearpage_cli::report::Report;
use tool::command;

const BENCH: [&str; 4] = ["bench", "--temperature=hot,cold", "--loops=3", "--primitive=generic"];

/// Returns the bytes that a command prints, which are some.
fn printed(folder: &Path, term: &str, args: &[&str]) -> Vec<u8> {
    let mut command = command(args);
    let output = command.current_dir(folder).env("TERM", term).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{args:?}: {output:?}");
    let bytes = [output.stdout, output.stderr].concat();
    assert!(!bytes.is_empty(), "{args:?}");
    bytes
}

fn write(folder: &Path, name: &str, report: &Report) {
    fs::write(folder.join(name), serde_json::to_string(report).unwrap()).unwrap();
}

#[test]
fn a_dumb_terminal_gets_ascii_of_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut report = sample::report();
    report.cells.truncate(340);
    write(folder, "a.json", &report);
    // Changes, cells that are in one of the reports only, and figures that are unclear.
    report.cells.drain(..20);
    report.cells[..100].iter_mut().for_each(|cell| cell.ns *= 1.5);
    report.cells[100..120].iter_mut().for_each(|cell| cell.ns_mad = cell.ns);
    write(folder, "b.json", &report);
    let size = format!("--size={}", 16 * clearpage::PAGE_SIZE);
    let bench = |unit| [&BENCH[..], &[unit, &size]].concat();
    let units = ["--unit=gbps", "--unit=ns", "--unit=cycles"].map(bench);
    // Each prints a table with lines, some a deviation.
    let tables: [&[&str]; 8] = [
        &["list"],
        &units[0],
        &units[1],
        &units[2],
        &["compare", "a.json", "b.json"],
        &["judge", "--floor=100%", "a.json"],
        &["tune", "--budget=5", "--output=a.tuning"],
        &["tune", "--budget=5", "--check=a.tuning"],
    ];
    let others: [&[&str]; 12] = [
        &["info"],
        &["list", "--markdown"],
        &["list", "--format=csv"],
        &["compare", "a.json", "a.json"],
        &["render", "a.json", "--csv", "a.csv", "--svg", "a.svg", "--html", "a.html"],
        &["gallery", "."],
        &["completions", "bash"],
        &["completions", "fish"],
        &["man"],
        &["man", "bench"],
        &["--help"],
        &["bench", "--help"],
    ];
    for args in tables.into_iter().chain(others) {
        let text = String::from_utf8(printed(folder, "dumb", args)).unwrap();
        let wrong: Vec<_> = text.lines().filter(|line| !line.is_ascii()).collect();
        assert!(wrong.is_empty(), "{args:?}: {wrong:#?}");
        assert!(!text.contains('\u{1b}'), "{args:?}: {text:?}");
    }
    for args in tables {
        assert!(!printed(folder, "xterm", args).is_ascii(), "{args:?} has no lines to replace");
    }
}
