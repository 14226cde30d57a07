//! The tool as a user meets it: what it prints, what it writes, and what it refuses.

mod tool;

use clearpage::primitives;
use tool::{Temporary, clearpage, command, refused, stdout};

#[test]
fn info_prints_the_machine() {
    let text = stdout(&clearpage(&["info"]));
    for fact in ["CPU", "L1d cache", "page size", "hypervisor", "kernel", "memory"] {
        assert!(text.contains(fact), "{fact}: {text}");
    }
    for flag in clearpage::cpu::flags() {
        assert!(text.contains(flag.source), "{flag:?}: {text}");
    }
}

#[test]
fn list_names_every_primitive_and_why_it_is_unavailable() {
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
fn list_as_markdown_equals_its_section_in_docs() {
    let text = stdout(&clearpage(&["list", "--markdown"]));
    let docs = include_str!("../../docs/primitives.md");
    let section = format!("## {}\n\n{}", std::env::consts::ARCH, text.trim());
    assert!(docs.contains(&section), "docs/primitives.md should have:\n{section}");
}

/// What clap prints in several lines, too.
#[test]
fn an_error_of_an_argument_is_a_line_with_what_is_allowed() {
    let cases: [(&[&str], &[&str]); 22] = [
        (&["frobnicate"], &["'frobnicate'", "usage: clearpage", "see '--help'"]),
        (&["benhc"], &["'benhc'", "similar", "'bench'"]),
        (&["--quick"], &["'--quick'", "usage: clearpage"]),
        (&["list", "extra"], &["'extra'", "usage: clearpage list"]),
        (&["list", "--markdown", "--format=csv"], &["--markdown", "cannot be used with '--format"]),
        (&["info", "--format", "yaml"], &["'yaml'", "[possible values: table, json, csv]"]),
        (&["bench", "--size", "3Q"], &["'3Q' for '--size", "allowed are bytes or K, M, G, T"]),
        (&["bench", "--size", "4K,"], &["'' for '--size", "allowed are bytes"]),
        (&["bench", "--loops", "2"], &["'2' for '--loops", "whole numbers from 3 to 65535"]),
        (&["bench", "--cpu", "3-1"], &["'3-1' for '--cpu", "as 0-3,8, and all"]),
        (&["bench", "--threads", "0"], &["'0' for '--threads", "numbers from 1 on, and all"]),
        (&["bench", "--temperature", "warm"], &["'warm'", "[possible values: hot, reuse, cold"]),
        (&["bench", "--json"], &["'--json <FILE>'"]),
        (&["render", "a.json"], &["<--csv <FILE>|--svg <FILE>|--html <FILE>>; usage: "]),
        (&["compare", "a.json"], &["<AFTER>; usage: clearpage compare <BEFORE> <AFTER>"]),
        (&["compare", "--threshold=5", "a", "b"], &["'5' for '--threshold", "did you mean 5%?"]),
        (&["compare", "--threshold=x", "a", "b"], &["'x' for '--threshold", "as 0.05, or percent"]),
        (&["judge"], &["<FILE.json>...; usage: clearpage judge <FILE.json>..."]),
        (&["judge", "--floor=2", "a"], &["'2' for '--floor", "allowed are shares from 0 to 1"]),
        (&["tune", "--budget=100"], &["'100' for '--budget", "allowed are 0.001 to 60 seconds"]),
        (&["man", "nosuch"], &["man nosuch", "allowed are info, list, bench"]),
        (&["completions", "csh"], &["'csh'", "[possible values: bash, elvish, fish"]),
    ];
    for (args, words) in cases {
        // Windows adds to the name of the program.
        let message = refused(&clearpage(args)).replace("clearpage.exe", "clearpage");
        assert_eq!(message.lines().count(), 1, "{args:?}: {message}");
        assert!(message.starts_with("error: "), "{args:?}: {message}");
        for word in words {
            assert!(message.contains(word), "{args:?}: no {word:?} in {message}");
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
fn info_and_list_are_printed_as_json_and_csv() {
    let machine: serde_json::Value =
        serde_json::from_str(&stdout(&clearpage(&["info", "--format", "json"]))).unwrap();
    assert_eq!(machine["facts"]["isa"], std::env::consts::ARCH);
    let facts = stdout(&clearpage(&["info", "--format=csv"]));
    assert!(facts.starts_with("fact,value\nCPU,"), "{facts}");
    let rows: serde_json::Value =
        serde_json::from_str(&stdout(&clearpage(&["list", "--format", "json"]))).unwrap();
    for (row, primitive) in rows.as_array().unwrap().iter().zip(primitives()) {
        assert_eq!(row["name"], primitive.name());
        assert_eq!(row["available"], primitive.available().is_ok());
        assert_eq!(row["reason"].is_null(), primitive.available().is_ok());
    }
    let rows = stdout(&clearpage(&["list", "--format=csv"]));
    assert_eq!(rows.lines().next(), Some("name,stores,registers,block,available,reason,serves"));
    assert_eq!(rows.lines().count(), 1 + primitives().len());
}

#[test]
fn every_field_of_the_formats_is_documented() {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/output-formats.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let results = concat!(env!("CARGO_MANIFEST_DIR"), "/../results/amd-epyc-zen5-kvm.json");
    let (tuning, mut fields) = (Temporary::new("fields.tuning"), 0);
    for args in [
        &["info"][..],
        &["list"],
        &["compare", results, results],
        &["judge", results],
        &["tune", "--budget=30", "--output", tuning.path()],
    ] {
        let output = clearpage(&[args, &["--format=csv"]].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        for field in text.lines().next().unwrap().split(',') {
            assert!(
                docs.contains(&format!("| `{field}` |")),
                "{args:?}: {field} is not documented"
            );
            fields += 1;
        }
    }
    assert!(fields > 30, "{fields}");
}
