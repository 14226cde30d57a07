//! `clearpage compare`.

#[path = "common/report.rs"]
mod sample;
mod tool;

use std::fs;
use std::process::Output;

use clearpage_cli::report::{Backing, Cell, Place, Report};
use serde_json::Value;
use tool::{refused, run};

/// Returns two contenders at five sizes, each with 100 ns ± 1 ns a call.
fn report() -> Report {
    let report = sample::report();
    let cells = (0..10).map(|i| {
        let (contender, size) = (["one", "two"][i / 5].to_owned(), 4096 << (i % 5));
        let backing = Backing::Thp;
        let place = Place { cpu: Some(3), backing, size, ..report.cells[0].place };
        Cell { contender, place, ns: 100.0, ns_mad: 1.0, ..report.cells[0].clone() }
    });
    Report { cells: cells.collect(), ..sample::empty() }
}

fn changed(change: impl FnOnce(&mut Report)) -> String {
    let mut report = report();
    change(&mut report);
    serde_json::to_string(&report).unwrap()
}

/// Compares the report with another.
fn compare(after: &str, options: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("before.json"), changed(|_| {})).unwrap();
    fs::write(folder.path().join("after.json"), after).unwrap();
    run(folder.path(), &[&["compare", "before.json", "after.json"], options].concat())
}

fn stdout(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn equal_reports_have_no_change() {
    let text = stdout(&compare(&changed(|_| {}), &[]), 0);
    assert_eq!(text, "no change: 10 cells within 5 %\n");
    let one = changed(|report| report.cells.truncate(1));
    let text = stdout(&compare(&one, &[]), 0);
    let expected =
        "9 cells only in the report of before: not compared\nno change: 1 cell within 5 %\n";
    assert_eq!(text, expected);
}

#[test]
fn a_regression_is_printed_and_sets_the_exit_status() {
    let after = changed(|report| {
        report.cells[0].ns = 110.0;
        report.cells[1].ns = 150.0;
        report.cells[2].ns = 80.0;
    });
    let text = stdout(&compare(&after, &[]), 1);
    let rows: Vec<&str> = text.lines().filter(|line| line.contains(" x ")).collect();
    // The largest change first.
    for (row, words) in rows.iter().zip([
        ["hot 8 KiB, thp, CPU 3", "100 ns", "150 ns", "1.50 x slower"],
        ["hot 16 KiB, thp, CPU 3", "100 ns", "80.0 ns", "1.25 x faster"],
        ["hot 4 KiB, thp, CPU 3", "100 ns", "110 ns", "1.10 x slower"],
    ]) {
        assert!(row.contains("one"), "{row}");
        words.iter().for_each(|word| assert!(row.contains(word), "no {word:?} in {row}"));
    }
    assert_eq!(rows.len(), 3, "{text}");
    assert!(text.ends_with("2 slower, 1 faster, 7 as before (within 5 %)\n"), "{text}");
}

#[test]
fn faster_cells_alone_exit_with_success() {
    let after = changed(|report| report.cells[9].ns = 50.0);
    let text = stdout(&compare(&after, &[]), 0);
    assert!(text.contains("2.00 x faster"), "{text}");
    assert!(text.ends_with("0 slower, 1 faster, 9 as before (within 5 %)\n"), "{text}");
}

/// The report with one noisy cell, which takes `ns`.
fn noisy(ns: f64, samples: usize) -> String {
    changed(|report| {
        let cell = &mut report.cells[0];
        (cell.ns, cell.ns_mad, cell.samples) = (ns, 10.0, samples);
    })
}

#[test]
fn a_difference_below_noise_cannot_be_told() {
    // Three standard errors of both medians, of 9 samples each:
    // 3 x 1.2533 x 1.4826 x sqrt(1 / 9 + 100 / 9) = 18.7 ns.
    for ns in [118.0, 100.0, 82.0] {
        let text = stdout(&compare(&noisy(ns, 9), &[]), 0);
        let expected =
            "no change: 9 cells within 5 %\ncould not tell: 1 cell (noise above the threshold)\n";
        assert_eq!(text, expected);
    }
    let text = stdout(&compare(&noisy(119.0, 9), &[]), 1);
    assert!(text.contains("±18.7 ns") && text.contains("1.19 x slower"), "{text}");
    assert!(!text.contains("could not tell"), "{text}");
}

#[test]
fn noise_falls_with_the_number_of_samples() {
    stdout(&compare(&noisy(110.0, 9), &[]), 0);
    let text = stdout(&compare(&noisy(110.0, 900), &[]), 1);
    assert!(text.contains("1.10 x slower"), "{text}");
}

#[test]
fn samples_of_one_round_count_as_one() {
    let of_rounds = |rounds| {
        changed(|report| {
            let cell = &mut report.cells[0];
            (cell.ns, cell.ns_mad, cell.samples, cell.rounds) = (110.0, 10.0, 900, rounds);
        })
    };
    stdout(&compare(&of_rounds(Some(900)), &[]), 1);
    stdout(&compare(&of_rounds(Some(9)), &[]), 0);
}

#[test]
fn fewer_than_three_rounds_cannot_be_compared() {
    for (samples, rounds) in [(1, None), (2, None), (1, Some(1)), (32, Some(2))] {
        for ns in [100.0, 300.0] {
            let few = changed(|report| {
                let cell = &mut report.cells[0];
                (cell.ns, cell.ns_mad, cell.samples, cell.rounds) = (ns, 0.0, samples, rounds);
            });
            let text = stdout(&compare(&few, &[]), 0);
            assert!(
                text.ends_with("could not tell: 1 cell (noise above the threshold)\n"),
                "{text}"
            );
        }
    }
}

#[test]
fn csv_and_json_have_a_row_for_each_cell_of_both_reports() {
    let after = changed(|report| {
        report.cells[3].ns = 200.0;
        report.cells.truncate(8);
        report.machine.kernel = "Linux of tomorrow".to_owned();
    });
    let output = compare(&after, &["--format", "json"]);
    let rows: Value = serde_json::from_str(&stdout(&output, 1)).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 8);
    assert_eq!((&rows[0]["verdict"], &rows[0]["after_ns"]), (&"slower".into(), &200.0.into()));
    assert_eq!((&rows[1]["verdict"], &rows[1]["before_ns"]), (&"same".into(), &100.0.into()));
    let warnings = String::from_utf8(output.stderr).unwrap();
    assert!(warnings.contains("warning: kernel: "), "{warnings}");
    let text = stdout(&compare(&after, &["--format", "csv"]), 1);
    let mut lines = text.lines();
    let header =
        "contender,cpu,threads,backing,temperature,size,before_ns,after_ns,noise_ns,verdict";
    assert_eq!(lines.next(), Some(header));
    assert!(lines.next().unwrap().ends_with(",slower"), "{text}");
    assert_eq!(lines.count(), 7);
}

#[test]
fn a_threshold_is_a_share_or_percent() {
    let after = changed(|report| report.cells[0].ns = 120.0);
    for (threshold, code) in
        [("5%", 1), ("19.5%", 1), ("25 %", 0), ("0.1", 1), ("0.5", 0), ("0", 1)]
    {
        let output = compare(&after, &["--threshold", threshold]);
        stdout(&output, code);
    }
    let text = stdout(&compare(&after, &["--threshold", "0.5"]), 0);
    assert!(text.contains("within 50 %"), "{text}");
    for threshold in ["nonsense", "5", "5 percent", "-5%", "-0.1", "%", "", "inf%", "NaN"] {
        let argument = format!("--threshold={threshold}");
        let output = compare(&after, &[&argument]);
        let message = String::from_utf8(output.stderr.clone()).unwrap();
        assert_eq!(output.status.code(), Some(2), "{threshold}: {output:?}");
        assert!(message.contains("--threshold"), "{threshold}: {message}");
    }
    let output = compare(&after, &["--threshold", "nonsense"]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("allowed are a share below 1"), "{message}");
    let output = compare(&after, &["--threshold", "5"]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("a share must be below 1; did you mean 5%?"), "{message}");
}

#[test]
fn cells_of_one_report_only_are_counted() {
    let after = changed(|report| {
        report.cells.truncate(7);
        report.cells[0].place.threads = 4;
        report.cells[1].place.cpu = None;
    });
    let text = stdout(&compare(&after, &[]), 0);
    assert!(text.contains("5 cells only in the report of before"), "{text}");
    assert!(text.contains("2 cells only in the report of after"), "{text}");
    assert!(text.ends_with("no change: 5 cells within 5 %\n"), "{text}");
    let none = changed(|report| report.cells.clear());
    assert!(refused(&compare(&none, &[])).contains("no cell in common"));
}

#[test]
fn another_cpu_is_refused_without_any_machine() {
    let after = changed(|report| report.machine.cpu = "Some Other 9000".to_owned());
    let message = refused(&compare(&after, &[]));
    assert!(message.contains("not the same CPU") && message.contains("9000"), "{message}");
    assert!(message.contains("--any-machine"), "{message}");
    let text = stdout(&compare(&after, &["--any-machine"]), 0);
    assert!(text.contains("warning: not the same CPU"), "{text}");
    assert!(text.contains("no change: 10 cells"), "{text}");
}

#[test]
fn other_differences_are_printed() {
    let after = changed(|report| {
        report.version = "9.9.9".to_owned();
        report.page_size = 65536;
        report.complete = false;
        report.machine.kernel = "Linux of tomorrow".to_owned();
        report.machine.microcode = Some("0xabc".to_owned());
        report.machine.hypervisor = Some("Matrix".to_owned());
        report.machine.os_page_size = 16384;
    });
    let text = stdout(&compare(&after, &[]), 0);
    for words in [
        "warning: version of the tool: 0.1.0 before, 9.9.9 after",
        "warning: page size of the build: 4 KiB before, 64 KiB after",
        "warning: kernel: ",
        "Linux of tomorrow after",
        "0xabc after",
        "Matrix after",
        "16 KiB after",
        "warning: the report of after is not complete",
    ] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    assert!(!text.contains("report of before is not complete"), "{text}");
}
