//! `clearpage compare` on reports that were made by hand.

use std::path::PathBuf;
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use clearpage_cli::harness::machine::Machine;
use clearpage_cli::report::{Backing, Cell, Place, Report, SCHEMA, Temperature};

const SIZES: usize = 5;

/// A hot cell of `4 KiB << step`, that takes 100 ns ± 1 ns a call.
fn cell(contender: &str, step: usize) -> Cell {
    let size = 4096 << step;
    Cell {
        contender: contender.to_owned(),
        place: Place {
            cpu: Some(3),
            threads: 1,
            backing: Backing::Thp,
            temperature: Temperature::Hot,
            size,
        },
        primitive: true,
        planned: false,
        ns: 100.0,
        ns_mad: 1.0,
        gb_per_s: size as f64 / 100.0,
        ns_per_page: 100.0 / (1 << step) as f64,
        tsc_cycles_per_page: None,
        of_envelope: None,
        samples: 9,
    }
}

/// Two contenders at [`SIZES`] sizes.
fn report() -> Report {
    Report {
        schema: SCHEMA,
        version: "1.2.3".to_owned(),
        command: Vec::new(),
        started: 0,
        complete: true,
        machine: Machine::detect(),
        page_size: 4096,
        plan: Vec::new(),
        warnings: Vec::new(),
        cells: ["one", "two"]
            .into_iter()
            .flat_map(|who| (0..SIZES).map(move |i| cell(who, i)))
            .collect(),
        overhead: Vec::new(),
    }
}

fn changed(change: impl FnOnce(&mut Report)) -> String {
    let mut report = report();
    change(&mut report);
    serde_json::to_string(&report).unwrap()
}

/// A file of this test.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        static FILES: AtomicUsize = AtomicUsize::new(0);
        let number = FILES.fetch_add(1, Relaxed);
        let name = format!("clearpage-compare-{name}-{}-{number}.json", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Compares the report with another.
fn compare(name: &str, after: &str, options: &[&str]) -> Output {
    let before = File::new(&format!("{name}-before"), &changed(|_| {}));
    let after = File::new(&format!("{name}-after"), after);
    let mut command =
        clearpage_testkit::emulator::command(env!("CARGO_BIN_EXE_clearpage").as_ref());
    command.arg("compare").arg(&before.0).arg(&after.0).args(options);
    command.output().unwrap()
}

fn stdout(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The one line of a run that must end with exit code 2 and print nothing else.
fn refused(output: &Output) -> String {
    assert!(output.stdout.is_empty(), "{output:?}");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

#[test]
fn the_same_is_no_change() {
    let text = stdout(&compare("same", &changed(|_| {}), &[]), 0);
    assert_eq!(text, "no change: 10 cells, all within 5 % or their noise\n");
}

#[test]
fn a_regression_is_printed_and_sets_the_exit_status() {
    let after = changed(|report| {
        report.cells[0].ns = 110.0;
        report.cells[1].ns = 150.0;
        report.cells[2].ns = 80.0;
    });
    let text = stdout(&compare("slower", &after, &[]), 1);
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
fn faster_alone_is_success() {
    let after = changed(|report| report.cells[9].ns = 50.0);
    let text = stdout(&compare("faster", &after, &[]), 0);
    assert!(text.contains("2.00 x faster"), "{text}");
    assert!(text.ends_with("0 slower, 1 faster, 9 as before\n"), "{text}");
}

#[test]
fn noise_is_no_change() {
    let noisy = |ns| {
        changed(|report| {
            report.cells[0].ns = ns;
            report.cells[0].ns_mad = 10.0;
        })
    };
    // Three standard deviations of both: 3 x 1.4826 x sqrt(1 + 100) = 44.7 ns.
    let text = stdout(&compare("noise", &noisy(144.0), &[]), 0);
    assert!(text.starts_with("no change: 10 cells"), "{text}");
    let text = stdout(&compare("signal", &noisy(146.0), &[]), 1);
    assert!(text.contains("±44.7 ns") && text.contains("1.46 x slower"), "{text}");
}

#[test]
fn thresholds() {
    let after = changed(|report| report.cells[0].ns = 120.0);
    for (threshold, code) in
        [("5%", 1), ("19.5%", 1), ("25 %", 0), ("0.1", 1), ("0.5", 0), ("0", 1)]
    {
        let output = compare(&format!("t{threshold}"), &after, &["--threshold", threshold]);
        stdout(&output, code);
    }
    let text = stdout(&compare("text", &after, &["--threshold", "0.5"]), 0);
    assert!(text.contains("within 50 %"), "{text}");
    for threshold in ["nonsense", "5", "5 percent", "-5%", "-0.1", "%", "", "inf%", "NaN"] {
        let argument = format!("--threshold={threshold}");
        let output = compare(&format!("bad{}", threshold.len()), &after, &[&argument]);
        let message = String::from_utf8(output.stderr.clone()).unwrap();
        assert_eq!(output.status.code(), Some(2), "{threshold}: {output:?}");
        assert!(message.contains("--threshold"), "{threshold}: {message}");
    }
    let output = compare("word", &after, &["--threshold", "nonsense"]);
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
    let text = stdout(&compare("missing", &after, &[]), 0);
    assert!(text.contains("5 cells only in the report of before"), "{text}");
    assert!(text.contains("2 cells only in the report of after"), "{text}");
    assert!(text.ends_with("no change: 5 cells, all within 5 % or their noise\n"), "{text}");
    let none = changed(|report| report.cells.clear());
    assert!(refused(&compare("none", &none, &[])).contains("no cell in common"));
}

#[test]
fn another_cpu_is_refused_unless_asked_for() {
    let after = changed(|report| report.machine.cpu = "Some Other 9000".to_owned());
    let message = refused(&compare("cpu", &after, &[]));
    assert!(message.contains("not the same CPU") && message.contains("9000"), "{message}");
    assert!(message.contains("--any-machine"), "{message}");
    let text = stdout(&compare("any", &after, &["--any-machine"]), 0);
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
    let text = stdout(&compare("said", &after, &[]), 0);
    for words in [
        "warning: another version of the tool: 1.2.3 before, 9.9.9 after",
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

#[test]
fn files_that_are_not_reports_are_refused() {
    let whole = changed(|_| {});
    let cases = [
        ("empty", String::new(), "--json: EOF"),
        ("cut", whole[..whole.len() / 2].to_owned(), "--json: EOF"),
        ("text", "# Notes".to_owned(), "--json: expected value at line 1"),
        ("other", "{\"a\": 1}".to_owned(), "missing field `schema`"),
        ("schema", "{\"schema\": 1}".to_owned(), "a report of schema 1; clearpage"),
        ("field", whole.replacen("\"complete\"", "\"compleat\"", 1), "missing field `complete`"),
        ("zero", changed(|report| report.cells[4].ns = 0.0), "cell \"one\" hot 64 KiB"),
        ("null", changed(|report| report.cells[4].ns = f64::NAN), "--json: invalid type: null"),
        ("twice", changed(|report| report.cells.push(cell("two", 1))), "is there twice"),
    ];
    for (name, text, words) in cases {
        let message = refused(&compare(name, &text, &[]));
        assert!(message.contains(words), "{name}: no {words:?} in {message}");
        assert!(message.contains(&format!("{name}-after")), "{name}: {message}");
    }
    let mut command =
        clearpage_testkit::emulator::command(env!("CARGO_BIN_EXE_clearpage").as_ref());
    let output = command.args(["compare", "/nonexistent/a.json", "b.json"]).output().unwrap();
    assert!(refused(&output).contains("/nonexistent/a.json: "));
}
