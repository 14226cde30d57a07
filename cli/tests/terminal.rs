//! Nothing that a terminal acts on is printed of a report, a file name or an argument.

#[path = "common/report.rs"]
mod sample;
mod tool;

use std::fs;
use std::path::Path;
use std::process::Output;

use clearpage_cli::harness::terminal::is_active;
use serde_json::Value;
use tool::command;

/// Clears the screen, by a C0 and by a C1 control; sets the title; begins a line; turns the direction
/// of writing.
const HOSTILE: &str = "\u{1b}[2J\u{9b}2J\u{1b}]0;x\u{7}\r\n\u{202e}\u{2066}";

/// What a command printed, none of it hostile.
fn plain(output: &Output) -> String {
    let bytes = [&*output.stdout, &*output.stderr].concat();
    let text = String::from_utf8(bytes).unwrap();
    assert!(!text.contains(|c| c != '\n' && is_active(c)), "{text:?}");
    assert!(!text.contains("panicked"), "{text}");
    text
}

fn run(folder: &Path, args: &[&str]) -> String {
    plain(&tool::run(folder, args))
}

fn write(folder: &Path, name: &str, report: &Value) {
    fs::write(folder.join(name), report.to_string()).unwrap();
}

/// A report of few cells.
fn small() -> Value {
    let mut report = sample::report();
    report.cells.truncate(40);
    report.machine.governor = Some("powersave".to_owned());
    serde_json::to_value(report).unwrap()
}

/// Where the texts of a report are, as JSON pointers.
fn texts(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(at.to_owned()),
        Value::Array(list) => {
            // The last cell is as good as any, and has no equal when its name is changed.
            let last = list.iter().enumerate().next_back();
            last.into_iter().for_each(|(i, value)| texts(value, &format!("{at}/{i}"), found));
        }
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| texts(value, &format!("{at}/{key}"), found));
        }
        _ => {}
    }
}

/// Every command that reads a report, with this one.
fn read_all(report: &Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a.json", report);
    write(folder.path(), "b.json", &small());
    let mut slower = report.clone();
    if let Some(cells) = slower["cells"].as_array_mut() {
        cells.iter_mut().for_each(|cell| cell["ns"] = (cell["ns"].as_f64().unwrap() * 2.0).into());
    }
    write(folder.path(), "slower.json", &slower);
    let commands: [&[&str]; 6] = [
        &["render", "a.json", "--csv", "a.csv", "--svg", "a.svg", "--html", "a.html"],
        &["gallery", "."],
        &["compare", "--any-machine", "a.json", "b.json"],
        &["compare", "b.json", "a.json"],
        &["compare", "a.json", "slower.json"],
        &["judge", "--floor", "100%", "a.json"],
    ];
    commands.map(|args| run(folder.path(), args)).concat()
}

#[test]
fn every_text_of_a_report_is_printed_plain() {
    let mut found = Vec::new();
    texts(&small(), "", &mut found);
    let mut all = small();
    let mut printed = 0;
    for at in &found {
        let mut report = small();
        for report in [&mut report, &mut all] {
            // What it is must remain for a plan or a primitive to be recognized.
            let text = report.pointer_mut(at).unwrap();
            *text = format!("{}{HOSTILE}", text.as_str().unwrap()).into();
        }
        printed += usize::from(read_all(&report).contains("\\u{1b}[2J\\u{9b}2J"));
    }
    // Names and facts that are compared, what is judged by, and what has other values than allowed.
    assert!(printed >= 15 && found.len() >= 19, "{printed} of {}", found.len());
    read_all(&all);
    for enumeration in ["/cells/39/backing", "/cells/39/temperature"] {
        *all.pointer_mut(enumeration).unwrap() = small().pointer(enumeration).unwrap().clone();
    }
    assert!(read_all(&all).contains("\\u{1b}[2J"));
}

/// Windows has no such names.
#[test]
#[cfg(unix)]
fn every_file_name_is_printed_plain() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (format!("good{HOSTILE}.json"), format!("bad{HOSTILE}.json"));
    let absent = format!("absent/{HOSTILE}");
    let output = format!("out{HOSTILE}");
    write(folder.path(), &good, &small());
    let files: [&[&str]; 6] = [
        &["render", &good, "--csv", &output],
        &["gallery", "."],
        &["judge", &good],
        &["compare", &good, &absent],
        &["tune", "--budget", "5", "--output", &output],
        &["tune", "--check", &good],
    ];
    for args in files {
        assert!(run(folder.path(), args).contains("\\u{1b}[2J"), "{args:?}");
    }
    write(folder.path(), &bad, &Value::Null);
    for args in [
        &["render", &bad, "--csv", "a.csv"][..],
        &["render", &good, "--csv", &absent],
        &["gallery", "."],
        &["gallery", &absent],
        &["judge", &bad],
        &["compare", &bad, &good],
        &["bench", "--json", &absent],
        &["tune", "--output", &absent],
        &["tune", "--check", &absent],
    ] {
        assert!(run(folder.path(), args).contains("\\u{1b}[2J"), "{args:?}");
    }
    let size = clearpage::PAGE_SIZE.to_string();
    let args = ["bench", "--loops=3", "--temperature=hot", "--primitive=generic", "--size"];
    assert!(
        run(folder.path(), &[&args[..], &[&size, "--json", &output]].concat())
            .contains("written: out\\u{1b}[2J")
    );
}

#[test]
fn every_argument_is_printed_plain() {
    let here = Path::new(".");
    for args in [
        &[HOSTILE][..],
        &["bench", HOSTILE],
        &["bench", "--primitive", HOSTILE],
        &["bench", "--size", HOSTILE],
        &["bench", "--temperature", HOSTILE],
        &["compare", "--threshold", HOSTILE, "a", "b"],
        &["judge", "--floor", HOSTILE, "a"],
        &["tune", "--budget", HOSTILE],
        &["man", HOSTILE],
        &["completions", HOSTILE],
    ] {
        // clap leaves out what it knows to be an escape sequence.
        assert!(run(here, args).contains("\\u{9b}2J"), "{args:?}");
    }
    let mut list = command(&["list"]);
    assert!(plain(&list.env("CLEARPAGE_FORCE", HOSTILE).output().unwrap()).contains("\\u{1b}"));
}

#[test]
fn the_version_is_printed_plain() {
    let output = command(&["--version"]).output().unwrap();
    assert!(output.status.success() && plain(&output).starts_with("clearpage "));
}
