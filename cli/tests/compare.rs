//! `clearpage compare`.

#[path = "common/report.rs"]
mod sample;
mod tool;

use std::fs;
use std::process::Output;

use clearpage_cli::report::{Backing, Cell, Place, Report};
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
    assert_eq!(text, "no change: 10 cells, all within 5 % or their noise\n");
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
    assert!(text.ends_with("2 slower, 1 faster, 7 as before\n"), "{text}");
}

#[test]
fn faster_cells_alone_exit_with_success() {
    let after = changed(|report| report.cells[9].ns = 50.0);
    let text = stdout(&compare(&after, &[]), 0);
    assert!(text.contains("2.00 x faster"), "{text}");
    assert!(text.ends_with("0 slower, 1 faster, 9 as before\n"), "{text}");
}

#[test]
fn a_difference_below_noise_is_no_change() {
    let noisy = |ns| {
        changed(|report| {
            report.cells[0].ns = ns;
            report.cells[0].ns_mad = 10.0;
        })
    };
    // Three standard deviations of both: 3 x 1.4826 x sqrt(1 + 100) = 44.7 ns.
    let text = stdout(&compare(&noisy(144.0), &[]), 0);
    assert!(text.starts_with("no change: 10 cells"), "{text}");
    let text = stdout(&compare(&noisy(146.0), &[]), 1);
    assert!(text.contains("±44.7 ns") && text.contains("1.46 x slower"), "{text}");
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
    assert!(text.ends_with("no change: 5 cells, all within 5 % or their noise\n"), "{text}");
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
        "warning: another version of the tool: 0.1.0 before, 9.9.9 after",
        "warning: another page size of the build: 4 KiB before, 64 KiB after",
        "warning: another kernel",
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
