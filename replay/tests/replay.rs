//! `clearpage-replay` as a user runs it.

#[path = "../../cli/tests/tool/process.rs"]
mod process;

use std::process::{Command, Output};

use clearpage_cli::harness::pin;
use process::{Temporary, refused, stdout};
use serde_json::Value;

fn command(args: &[&str]) -> Command {
    let mut command =
        clearpage_testkit::emulator::command(env!("CARGO_BIN_EXE_clearpage-replay").as_ref());
    command.args(args).env_remove("TERM");
    command.env_remove("CLEARPAGE_FORCE").env_remove("CLEARPAGE_TUNING");
    command
}

fn run(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

/// Returns what a replay prints, and the report that it writes.
fn replay(args: &[&str]) -> (String, Value) {
    let file = Temporary::new(args[0]);
    let all = [args, &["--rounds", "2", "--json", file.path()]].concat();
    (stdout(&run(&all)), file.json())
}

/// Checks what holds for every replay.
fn check(text: &str, report: &Value, arms: &[&str], published: &[&str]) {
    assert_eq!((&report["schema"], &report["complete"]), (&2.into(), &true.into()));
    let names: Vec<_> = report["arms"].as_array().unwrap().iter().map(|arm| &arm["name"]).collect();
    assert_eq!(names, arms);
    for arm in report["arms"].as_array().unwrap() {
        let seconds = |figure: &str| arm[figure]["seconds"].as_f64().unwrap();
        assert!(seconds("init") > 0.0 && seconds("total") > 0.0, "{arm}");
        assert_eq!(arm["init"]["samples"].as_array().unwrap().len(), 2);
        assert!(text.contains(arm["what"].as_str().unwrap()), "{arm}: {text}");
        if arm["name"] != "before" {
            for figure in ["init", "total"] {
                let change = 100.0 * arm[figure]["change"].as_f64().unwrap();
                assert!(text.contains(&format!("{change:+.1} %")), "{change}: {text}");
            }
        }
    }
    for words in published.iter().chain(&["init, by the hook", "total, by the clock", "Published"])
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(report["published"].as_array().unwrap().len(), published.len() / 2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_output_is_one_line_and_the_file_is_written() {
    let file = Temporary::new("full");
    let args = ["graph500", "--scale=8", "--roots=1", "--rounds=1", "--json", file.path()];
    let full = std::fs::File::create("/dev/full").unwrap();
    let message = refused(&command(&args).stdout(full).output().unwrap());
    let written = format!("written: {}\n", file.path());
    let error = "error: standard output: No space left on device (os error 28)\n";
    let (first, rest) = message.split_once('\n').unwrap();
    assert!(is_announcement(first), "{message}");
    assert_eq!(rest, written + error);
    assert_eq!(file.json()["complete"], true);
}

#[test]
fn hugetlb_allocates_the_published_amount() {
    // As little memory as it takes, four times the last cache and no less than 64 MiB.
    let least = (4 * clearpage::cpu::caches().l3).max(64 << 20).to_string();
    let (text, report) = replay(&["hugetlb", "--memory", &least]);
    check(&text, &report, &["before", "batch", "plan"], &["8192 x 2 MiB", "-62.7 %, 2.68x"]);
    assert_eq!(report["cleared"], 16_u64 << 30);
    assert!(text.contains("huge pages") || text.contains("smallest pages"), "{text}");
}

#[test]
fn graph500_finds_the_same_trees_before_and_after() {
    let (text, report) = replay(&["graph500", "--scale", "8", "--roots", "5"]);
    let published = ["Graph500 64C128T", "-50.3 %", "Graph500 16C32T", "-39.0 %"];
    check(&text, &report, &["before", "plan"], &published);
    let workload = &report["workload"];
    assert_eq!((&workload["scale"], &workload["roots"]), (&8.into(), &5.into()));
    assert!(workload["teps"].as_array().unwrap().iter().all(|teps| teps.as_f64() > Some(0.0)));
    assert!(text.contains("5 trees validated"), "{text}");
}

#[test]
fn pagerank_finds_the_same_ranks_before_and_after() {
    let threads = pin::allowed().unwrap().len().min(2);
    let (text, report) = replay(&["pagerank", "--scale", "8", "--threads", &threads.to_string()]);
    let published = ["Pagerank 32T", "-38.5 %", "Pagerank 128T", "-35.7 %"];
    check(&text, &report, &["before", "plan"], &published);
    assert_eq!(report["workload"]["threads"], threads);
    assert!(report["workload"]["distance"].as_f64().unwrap() < 1e-9);
    assert!(text.contains("iterations"), "{text}");
}

#[test]
fn errors_of_arguments_name_the_allowed_values() {
    let cases: [(&[&str], &[&str]); 13] = [
        (&["graph500", "--scale", "3"], &["3", "from 4 to 31"]),
        (&["graph500", "--scale", "32"], &["32", "from 4 to 31"]),
        (&["graph500", "--roots", "0"], &["0", "from 1 to"]),
        (&["graph500", "--rounds", "0"], &["0", "from 1 to"]),
        (&["graph500", "--json", "/nonexistent/x.json"], &["--json /nonexistent/x.json"]),
        (&["pagerank", "--threads", "0"], &["0", "from 1 to"]),
        (&["pagerank", "--threads", "100000"], &["--threads 100000: allowed are up to"]),
        (&["pagerank", "--scale", "many"], &["many"]),
        (&["hugetlb", "--memory", "2M"], &["--memory 2M", "allowed are", "free"]),
        (&["hugetlb", "--memory", "9000T"], &["--memory 9000T", "allowed are", "free"]),
        (&["hugetlb", "--memory", "much"], &["much", "allowed are bytes"]),
        (&["hugetlb", "--scale", "8"], &["--scale", "--help"]),
        (&["graph5000"], &["graph5000", "graph500"]),
    ];
    for (args, words) in cases {
        let message = refused(&run(args));
        for word in words {
            assert!(message.contains(word), "{args:?}: no {word:?} in {message}");
        }
    }
}

#[test]
fn without_a_workload_the_help_is_printed() {
    let message = refused(&run(&[]));
    for line in ["\nUsage: clearpage-replay <COMMAND>\n", "\n  hugetlb ", "\nExamples:\n"] {
        assert!(message.contains(line), "{line:?}: {message}");
    }
}

#[test]
fn scale_too_large_for_memory_is_refused_before_measuring() {
    let available = clearpage_cli::harness::machine::memory().available;
    // What the edges alone take, 16 a vertex of 8 bytes.
    let Some(scale) = (4..=31).find(|&scale| 128_u64 << scale > available) else { return };
    for workload in ["graph500", "pagerank"] {
        let message = refused(&run(&[workload, "--scale", &scale.to_string()]));
        assert_eq!(message.lines().count(), 1, "{message}");
        for words in [
            &format!("--scale {scale}: needs"),
            "nine tenths of the free memory",
            "largest scale that fits",
        ] {
            assert!(message.contains(words), "{message}");
        }
    }
}

#[test]
fn every_workload_has_a_manual_page() {
    for workload in ["hugetlb", "graph500", "pagerank"] {
        let page = stdout(&run(&["man", workload]));
        for line in [
            &*format!(".TH clearpage-replay-{workload} 1"),
            ".SH \"EXIT STATUS\"",
            ".SH ENVIRONMENT",
        ] {
            assert!(page.contains(line), "{line}: {page}");
        }
    }
}

/// Returns whether a line announces time and memory.
fn is_announcement(line: &str) -> bool {
    let words = line.strip_prefix("takes about ").and_then(|rest| rest.strip_suffix(" of memory"));
    words.is_some_and(|words| words.contains(" and up to "))
}

#[test]
fn every_workload_announces_its_time_and_memory() {
    let least = (4 * clearpage::cpu::caches().l3).max(64 << 20).to_string();
    for args in [
        &["hugetlb", "--memory", &least][..],
        &["graph500", "--scale=4", "--roots=1"],
        &["pagerank", "--scale=4", "--threads=1"],
    ] {
        let output = run(&[args, &["--rounds=1"]].concat());
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.lines().count() == 1 && is_announcement(text.trim_end()), "{text}");
    }
}

#[test]
fn a_dumb_terminal_gets_ascii() {
    let args = ["graph500", "--scale=4", "--roots=1", "--rounds=1"];
    for (term, is_ascii) in [("dumb", true), ("xterm", false)] {
        let output = command(&args).env("TERM", term).output().unwrap();
        assert_eq!(stdout(&output).is_ascii(), is_ascii, "{output:?}");
    }
}

#[test]
fn every_workload_has_an_example() {
    for workload in ["hugetlb", "graph500", "pagerank"] {
        let text = stdout(&run(&[workload, "--help"]));
        assert!(text.contains(&format!("clearpage-replay {workload} --")), "{text}");
    }
}

#[test]
fn control_characters_in_arguments_are_escaped() {
    const HOSTILE: &str = "\u{9b}2J\u{1b}[2J";
    let absent = format!("/nonexistent/{HOSTILE}");
    for args in [&[HOSTILE][..], &["hugetlb", "--memory", HOSTILE], &["hugetlb", "--json", &absent]]
    {
        let message = refused(&run(args));
        assert!(message.contains("\\u{9b}2J"), "{args:?}: {message}");
        assert!(!message.contains(|c: char| c.is_control() && c != '\n'), "{message:?}");
    }
}

/// Ctrl-C during a replay: completed rounds are printed, and the file is marked incomplete.
#[cfg(unix)]
#[test]
fn ctrl_c_keeps_the_finished_measurements() {
    use std::fs::File;
    use std::io::Read;
    use std::process::Stdio;
    use std::time::Duration;

    let file = Temporary::new("replay-interrupted");
    assert!(Command::new("mkfifo").arg(&file.0).status().unwrap().success());
    let args = ["graph500", "--scale", "4", "--roots", "1", "--rounds", "65535", "--json"];
    let mut replay = command(&args);
    let replay = replay.arg(file.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = replay.spawn().unwrap();
    // It listens for signals before it opens the pipe, which waits for the other end.
    let mut pipe = File::open(&file.0).unwrap();
    std::thread::sleep(Duration::from_secs(1));
    // SAFETY: our own child, which was not waited for.
    assert_eq!(unsafe { libc::kill(child.id() as libc::pid_t, libc::SIGINT) }, 0);
    let mut written = String::new();
    pipe.read_to_string(&mut written).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    if !written.is_empty() {
        let report: Value = serde_json::from_str(&written).unwrap();
        assert_eq!(report["complete"], false);
        assert!(!report["arms"][0]["init"]["samples"].as_array().unwrap().is_empty());
        assert!(String::from_utf8(output.stdout).unwrap().contains("interrupted"));
    } else {
        // On a machine so busy that not even one round was over.
        assert!(String::from_utf8(output.stderr).unwrap().contains("nothing was measured"));
    }
}
