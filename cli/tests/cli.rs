//! The tool as a user meets it: what it prints, what it writes, and what it refuses.

#[path = "../../tests/common/emulator.rs"]
mod emulator;

use std::process::{Command, Output};

use clearpage::{PAGE_SIZE, primitives};
use serde_json::Value;

fn clearpage(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

fn command(args: &[&str]) -> Command {
    let mut command = emulator::command(env!("CARGO_BIN_EXE_clearpage").as_ref());
    command.args(args).env_remove("CLEARPAGE_FORCE");
    command
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The message of a run that must end with exit code 2, before anything was printed.
fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn info_tells_the_machine() {
    let text = stdout(&clearpage(&["info"]));
    for fact in ["CPU", "L1d cache", "page size", "hypervisor", "kernel", "memory"] {
        assert!(text.contains(fact), "{fact}: {text}");
    }
    for flag in clearpage::cpu::flags() {
        assert!(text.contains(flag.source), "{}: {text}", flag.name);
    }
}

#[test]
fn list_names_every_primitive_and_why_not() {
    let text = stdout(&clearpage(&["list"]));
    for primitive in primitives() {
        assert!(text.contains(primitive.name()), "{primitive:?}: {text}");
        if let Err(why) = primitive.available() {
            assert!(text.contains(why.reason), "{primitive:?}: {text}");
        }
    }
    for intent in ["auto", "hot", "cold"] {
        assert!(text.contains(intent), "{intent}: {text}");
    }
}

#[test]
fn bench_writes_what_it_prints() {
    let file = std::env::temp_dir().join(format!("clearpage-{}.json", std::process::id()));
    std::fs::write(&file, "x".repeat(1 << 20)).unwrap();
    let size = (4 * PAGE_SIZE).to_string();
    let path = file.to_str().unwrap();
    let args = ["bench", "--intent", "hot", "--size", &size, "--loops", "4", "--json", path];
    let text = stdout(&clearpage(&args));
    let report: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    std::fs::remove_file(&file).unwrap();

    assert_eq!(report["schema"], 2);
    assert_eq!(report["page_size"], PAGE_SIZE);
    let cells = report["cells"].as_array().unwrap();
    assert_eq!(cells.iter().filter(|cell| cell["planned"] == true).count(), 1);
    for name in ["plan", "auto", "generic", "libc memset", "slice::fill"] {
        assert_eq!(cells.iter().filter(|cell| cell["contender"] == name).count(), 1, "{name}");
    }
    for cell in cells {
        assert_eq!((&cell["samples"], &cell["temperature"]), (&4.into(), &"hot".into()));
        assert_eq!(cell["size"], 4 * PAGE_SIZE);
        let name = cell["contender"].as_str().unwrap();
        let printed = format!("{:.0} ±", cell["gb_per_s"].as_f64().unwrap());
        let row = text.lines().find(|line| line.starts_with(&format!("│ {name} ")));
        assert!(row.is_some_and(|row| row.contains(&printed)), "{name} {printed}: {text}");
    }
}

#[test]
fn bench_measures_what_was_asked_for() {
    let (one, four) = (PAGE_SIZE.to_string(), (4 * PAGE_SIZE).to_string());
    let args =
        ["bench", "--primitive", "generic", "--intent", "hot", "--size", &one, "--size", &four];
    let text = stdout(&clearpage(&[&args[..], &["--loops", "3"]].concat()));
    assert!(text.contains("generic") && text.contains("plan"), "{text}");
    for absent in ["memset", "cold: GB/s"] {
        assert!(!text.contains(absent), "{absent}: {text}");
    }
}

#[test]
fn bad_arguments_are_told_what_is_allowed() {
    let cases: [(&[&str], &[&str]); 10] = [
        (&["--primitive", "nonsense"], &["no such primitive", "allowed are", "generic"]),
        (&["--size", "0"], &["--size 0", "multiples of the page"]),
        (&["--size", "4097"], &["--size 4097", "multiples of the page"]),
        (&["--size", "8192T"], &["up to what memory is free"]),
        (&["--size", "4Q"], &["4Q", "allowed are bytes or K, M, G, T"]),
        (&["--cpu", "100000"], &["--cpu 100000", "allowed are"]),
        (&["--intent", "warm"], &["warm", "hot, cold"]),
        (&["--loops", "2"], &["2", "3..=65535"]),
        (&["--json", "/nonexistent/x.json"], &["--json /nonexistent/x.json"]),
        (&["--frobnicate"], &["--frobnicate", "--help"]),
    ];
    for (args, words) in cases {
        let message = refused(&clearpage(&[&["bench"], args].concat()));
        for word in words {
            assert!(message.contains(word), "{args:?}: no {word:?} in {message}");
        }
    }
    assert!(refused(&clearpage(&["frobnicate"])).contains("frobnicate"));
}

#[test]
fn a_primitive_this_cpu_lacks_is_refused_with_the_reason() {
    for primitive in primitives() {
        if let Err(why) = primitive.available() {
            let message = refused(&clearpage(&["bench", "--primitive", primitive.name()]));
            assert!(message.contains(why.reason), "{message}");
        }
    }
}

#[test]
fn a_bad_force_in_the_environment_is_refused() {
    let output = command(&["list"]).env("CLEARPAGE_FORCE", "nonsense").output().unwrap();
    let message = refused(&output);
    assert!(message.contains("CLEARPAGE_FORCE=nonsense: no such primitive"), "{message}");
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    use std::process::Stdio;
    let mut child =
        command(&["list"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"), "{output:?}");
}
