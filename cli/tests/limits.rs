//! A report is drawn, compared and judged in bounded time, or refused with the
//! limit.

#[path = "common/report.rs"]
mod sample;
mod tool;

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use clearpage_cli::report::{Backing, Cell, Place, PlanRow, Report, Temperature};
use serde_json::{Value, json};
use tool::command;

/// Far more than any of these takes, and less than work that grows with the square of the cells.
const LONG: Duration = Duration::from_secs(20);

/// The exit code, standard output and standard error of a command that must end by itself.
fn ended(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let [out, err] = ["stdout", "stderr"].map(|name| folder.join(name));
    let mut command = command(args);
    command.current_dir(folder).stdin(Stdio::null());
    command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
    let emulated = command.get_program() != env!("CARGO_BIN_EXE_clearpage");
    let limit = if emulated { 20 * LONG } else { LONG };
    let mut child = command.spawn().unwrap();
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > limit {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{args:?} still runs after {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    (status.code(), fs::read_to_string(out).unwrap(), fs::read_to_string(err).unwrap())
}

/// The one line of a command that must refuse.
fn refused(folder: &Path, args: &[&str]) -> String {
    let (code, text, message) = ended(folder, args);
    assert_eq!((code, &*text), (Some(2), ""), "{args:?}: {message}");
    assert_eq!(message.lines().count(), 1, "{args:?}: {message}");
    message
}

/// A report with these cells alone.
fn of(cells: impl Iterator<Item = (String, usize, usize)>) -> Report {
    let first = sample::report().cells[2].clone();
    let (backing, temperature) = (Backing::Thp, Temperature::Cold);
    let cell = |(contender, size, cpu)| {
        let place = Place { cpu: Some(cpu), threads: 1, backing, temperature, size };
        Cell { contender, place, ..first.clone() }
    };
    Report { cells: cells.map(cell).collect(), ..sample::report() }
}

fn write(folder: &Path, name: &str, report: &impl serde::Serialize) -> u64 {
    let text = serde_json::to_string(report).unwrap();
    fs::write(folder.join(name), &text).unwrap();
    text.len() as u64
}

/// Checks all commands with a report of nearly as many cells as are allowed. A shape is a test of its
/// own, so that several CPUs share the work.
fn time_and_output_are_linear(cell: impl Fn(usize) -> (String, usize, usize)) {
    const CELLS: usize = 95_000;
    let folder = tempfile::tempdir().unwrap();
    let length = write(folder.path(), "a.json", &of((0..CELLS).map(cell)));
    let commands: [&[&str]; 4] = [
        &["render", "a.json", "--csv", "a.csv"],
        // Draws all that `render` draws.
        &["gallery", "."],
        &["compare", "a.json", "a.json"],
        // Of the sizes and CPUs nothing can be judged: no primitive is there but one.
        &["judge", "a.json"],
    ];
    for args in commands {
        let (code, _, message) = ended(folder.path(), args);
        assert!(code == Some(0) || args[0] == "judge", "{args:?}: {message}");
    }
    for output in ["a.csv", "a.svg", "a.html", "index.html"] {
        let drawn = fs::metadata(folder.path().join(output)).unwrap().len();
        assert!(drawn < 8 * length, "{output} of {drawn} bytes, of {length}");
    }
}

#[test]
fn time_and_output_are_linear_in_the_number_of_contenders() {
    time_and_output_are_linear(|i| (format!("c{i:05}"), 4096, 0));
}

#[test]
fn time_and_output_are_linear_in_the_number_of_sizes() {
    time_and_output_are_linear(|i| ("plan".to_owned(), 4096 * (i + 1), 0));
}

#[test]
fn time_and_output_are_linear_in_the_number_of_cpus() {
    time_and_output_are_linear(|i| (format!("c{i:05}"), 4096, i % 4000));
}

#[test]
fn time_and_output_are_linear_in_the_number_of_sizes_of_two_cpus() {
    time_and_output_are_linear(|i| ("plan".to_owned(), 4096 * (1 + i / 2), i % 2));
}

#[test]
fn time_is_linear_in_the_number_of_features_and_plan_rows() {
    let folder = tempfile::tempdir().unwrap();
    let mut report = of((0..20_000).map(|i| ("stosb".to_owned(), 4096 * (i + 1), 0)));
    report.machine.facts.features = (0..400_000).map(|i| (format!("f{i}"), false)).collect();
    // Another ISA: its recorded plan is judged, which has no row for any length.
    report.machine.facts.isa = "none".to_owned();
    let row =
        PlanRow { intent: "cold".to_owned(), from: usize::MAX, primitive: "stosb".to_owned() };
    report.plan = vec![row; 100_000];
    write(folder.path(), "a.json", &report);
    let (_, _, message) = ended(folder.path(), &["judge", "a.json"]);
    assert!(message.contains("nothing in it can be judged"), "{message}");
}

#[test]
fn reports_beyond_a_limit_are_refused_and_the_limit_named() {
    let folder = tempfile::tempdir().unwrap();
    let name = |i: usize| format!("c{i}");
    let mut wide = sample::empty();
    wide.machine.cpu = "x".repeat(200_000);
    let cases = [
        ("fields", of((0..12_000).map(|i| (name(i), 4096 * (i + 1), 0))), "144000000 fields of"),
        ("cells", of((0..100_001).map(|_| (String::new(), 4096, 0))), "100001 cells, allowed are"),
        ("groups", of((0..4097).map(|i| (name(0), 4096, i))), "4097 combinations of CPU"),
        ("name", of([("x".repeat(65), 4096, 0)].into_iter()), "65 bytes of a contender's name"),
        ("text", wide, "a text of 200000 bytes, allowed are 16384"),
    ];
    for (name, report, words) in cases {
        write(folder.path(), "a.json", &report);
        for args in [
            &["render", "a.json", "--svg", "a.svg"][..],
            &["gallery", "."],
            &["compare", "a.json", "a.json"],
            &["judge", "a.json"],
        ] {
            let message = refused(folder.path(), args);
            assert!(message.contains(words) && message.contains("a.json: "), "{name}: {message}");
        }
        assert!(!folder.path().join("a.svg").exists(), "{name}");
    }
}

#[test]
fn a_too_long_text_is_refused_in_every_field() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(16_385);
    let mut unknown = serde_json::to_value(sample::empty()).unwrap();
    unknown["machine"]["later"] = json!([{ "a": [long] }]);
    let mut named = serde_json::to_value(sample::empty()).unwrap();
    named[&long] = Value::Null;
    let mut command = serde_json::to_value(sample::empty()).unwrap();
    command["command"] = json!(["bench", long]);
    for report in [unknown, named, command] {
        write(folder.path(), "a.json", &report);
        let message = refused(folder.path(), &["render", "a.json", "--svg", "a.svg"]);
        assert!(message.contains("a text of 16385 bytes"), "{message}");
    }
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    // Sparse: a terabyte would not fit into memory.
    File::create(folder.path().join("a.json")).unwrap().set_len(1 << 40).unwrap();
    for args in
        [&["render", "a.json", "--svg", "a.svg"][..], &["gallery", "."], &["judge", "a.json"]]
    {
        let message = refused(folder.path(), args);
        assert!(message.contains("1099511627776 bytes long, allowed are 32 MiB"), "{message}");
    }
    let message = refused(folder.path(), &["tune", "--check", "a.json"]);
    assert!(message.contains("bytes long, allowed are 64 KiB"), "{message}");
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_refused_without_waiting() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("folder.json")).unwrap();
    let status = std::process::Command::new("mkfifo").arg(folder.path().join("pipe.json")).status();
    assert!(status.unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("zero.json")).unwrap();
    for (name, words) in
        [("folder.json", "a folder"), ("pipe.json", "named pipe"), ("zero.json", "a device")]
    {
        for args in
            [&["render", name, "--svg", "a.svg"][..], &["judge", name], &["tune", "--check", name]]
        {
            let message = refused(folder.path(), args);
            assert!(message.contains(name) && message.contains(words), "{message}");
        }
    }
    let message = refused(folder.path(), &["gallery", "."]);
    assert_eq!(message.matches("allowed are regular files").count(), 3, "{message}");
}

/// The pipe of a shell's `<(command)` is no named pipe: it has a writer from the beginning.
#[cfg(target_os = "linux")]
#[test]
fn a_report_is_read_from_a_pipe_that_is_open() {
    use std::io::Write;

    let mut judge = command(&["judge", "/dev/stdin"]);
    let mut child = judge.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let text = serde_json::to_string(&sample::report()).unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("/dev/stdin: Example CPU 9000"));
}
