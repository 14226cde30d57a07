//! `render`, `gallery` and the pictures of `bench`, as a user meets them: the files they write, and
//! those that they leave alone.

#[path = "common/report.rs"]
mod sample;
mod tool;

use clearpage_cli::render::{csv, html, svg};
use clearpage_cli::report::{Report, SCHEMA};
use serde_json::Value;
use tool::{names, read, refused, run};

fn json(report: &Report) -> String {
    serde_json::to_string_pretty(report).unwrap()
}

#[test]
fn render_draws_the_report_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let report = sample::report();
    std::fs::write(folder.join("a.json"), json(&report)).unwrap();
    std::fs::write(folder.join("a.html"), "x".repeat(1 << 22)).unwrap();
    let args = ["render", "a.json", "--csv", "a.csv", "--svg", "a.svg", "--html", "a.html"];
    let output = run(folder, &args);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(read(folder, "a.csv"), csv::csv(&report));
    assert_eq!(read(folder, "a.svg"), svg::svg(&report));
    assert_eq!(read(folder, "a.html"), html::html(&report));
}

#[test]
fn every_command_refuses_a_bad_report_with_the_same_message() {
    let whole = json(&sample::report());
    let changed = |change: fn(&mut Value)| {
        let mut report = serde_json::to_value(sample::report()).unwrap();
        change(&mut report);
        report.to_string()
    };
    let cases = [
        (String::new(), "cut off, not a whole report"),
        (whole[..5000].to_owned(), "cut off, not a whole report"),
        ("# Notes".to_owned(), "not JSON of clearpage bench: it does not begin with {"),
        ("\u{0}\u{ff}".to_owned(), "not JSON of clearpage bench: it does not begin with {"),
        ("[3, 2]".to_owned(), "not JSON of clearpage bench: it does not begin with {"),
        ("{\"a\": }".to_owned(), "not a report of clearpage bench: expected value"),
        (r#"{"a": 1}"#.to_owned(), "not a report of clearpage bench: no number `schema`"),
        (r#"{"schema": [1]}"#.to_owned(), "not a report of clearpage bench: no number `schema`"),
        (r#"{"schema": 1}"#.to_owned(), "a report of schema 1, of an older clearpage; version"),
        (r#"{"schema": 9}"#.to_owned(), "a report of schema 9, of a newer clearpage; version"),
        (whole.replacen("\"complete\"", "\"compleat\"", 1), "missing field `complete`"),
        (whole.replacen("\"facts\"", "\"fact\"", 1), "missing field `facts`"),
        (changed(|report| report["machine"]["cpu"] = 5.into()), "invalid type: integer `5`"),
        (changed(|report| report["cells"][4]["ns"] = 0.into()), "ns 0.0: allowed are more than 0"),
        (
            changed(|report| report["cells"][4]["ns"] = (-5).into()),
            "ns -5.0: allowed are more than 0",
        ),
        (
            changed(|report| report["cells"][4]["gb_per_s"] = 1e300.into()),
            "gb_per_s 1e300: allowed are 0",
        ),
        (changed(|report| report["cells"][4]["threads"] = 0.into()), "nor threads can be 0"),
        (
            changed(|report| report["page_size"] = 0.into()),
            "page_size 0: allowed are powers of two",
        ),
        (changed(|report| report["cells"][4]["ns"] = Value::Null), "invalid type: null"),
        (changed(|report| report["cells"][4] = report["cells"][3].clone()), "is there twice"),
    ];
    for (text, words) in cases {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        std::fs::write(folder.join("a.json"), text).unwrap();
        let commands: [&[&str]; 5] = [
            &["render", "./a.json", "--html", "a.html", "--csv", "a.csv"],
            &["gallery", "."],
            &["judge", "./a.json"],
            &["compare", "./a.json", "absent"],
            &["compare", "--any-machine", "./a.json", "absent"],
        ];
        // `gallery` makes the path itself, on Windows with its own separator.
        let message = |args: &[&str]| refused(&run(folder, args)).replace(".\\a.json", "./a.json");
        let messages = commands.map(message);
        assert!(messages[0].starts_with("error: ./a.json: "), "{messages:?}");
        assert!(messages[0].contains(words), "no {words} in {messages:?}");
        assert_eq!(messages[0].lines().count(), 1, "{messages:?}");
        assert!(messages.iter().all(|message| *message == messages[0]), "{messages:?}");
        assert_eq!(names(folder), ["a.json"]);
    }
}

#[test]
fn one_file_that_cannot_be_written_leaves_the_others_alone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("a.json"), json(&sample::empty())).unwrap();
    std::fs::write(folder.join("old.csv"), "old").unwrap();
    let outputs = ["--csv", "old.csv", "--svg", "new.svg", "--html", "absent/a.html"];
    let started = std::time::Instant::now();
    for command in [&["render", "a.json"][..], &["bench", "--loops", "65535"]] {
        let message = refused(&run(folder, &[command, &outputs[..]].concat()));
        assert!(message.starts_with("error: --html absent/a.html: "), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        assert_eq!(read(folder, "old.csv"), "old");
        assert_eq!(names(folder), ["a.json", "old.csv"]);
    }
    // 65535 loops of everything would take hours.
    assert!(started.elapsed().as_secs() < 300);
}

#[test]
fn render_without_an_output_names_the_options() {
    let message = refused(&run(tempfile::tempdir().unwrap().path(), &["render", "a.json"]));
    for option in ["--csv", "--svg", "--html"] {
        assert!(message.contains(option), "{message}");
    }
}

#[test]
fn gallery_has_a_card_a_page_and_a_picture_for_each_report() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut other = sample::empty();
    other.machine.cpu = "Other <CPU>".to_owned();
    std::fs::write(folder.join("first.json"), json(&sample::report())).unwrap();
    std::fs::write(folder.join("a b#.json"), json(&other)).unwrap();
    std::fs::write(folder.join("README.md"), "no report").unwrap();
    let output = run(folder, &["gallery", "."]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        names(folder),
        [
            "README.md",
            "a b#.html",
            "a b#.json",
            "a b#.svg",
            "first.html",
            "first.json",
            "first.svg",
            "index.html",
            "index.svg"
        ]
    );
    assert_eq!(read(folder, "first.svg"), svg::svg(&sample::report()));
    let links = |page: &str| -> Vec<String> {
        let text = read(folder, page);
        let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
        let page = roxmltree::Document::parse_with_options(&text, options).unwrap();
        page.descendants().filter_map(|node| node.attribute("href").map(str::to_owned)).collect()
    };
    let index = links("index.html");
    for name in ["index.svg", "a%20b%23.html", "a%20b%23.json", "a%20b%23.svg", "first.html"] {
        assert!(index.contains(&format!("./{name}")), "{name}: {index:?}");
    }
    let page = links("a b#.html");
    for page in [&index, &page] {
        assert!(page.iter().any(|link| link == env!("CARGO_PKG_HOMEPAGE")), "{page:?}");
    }
    for name in ["index.html", "a%20b%23.json", "a%20b%23.svg"] {
        assert!(page.contains(&format!("./{name}")), "{name}: {page:?}");
    }
    let index = read(folder, "index.html");
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let index = roxmltree::Document::parse_with_options(&index, options).unwrap();
    let text: String = index.descendants().filter_map(|node| node.text()).collect();
    for fact in [
        "Linux 6.12.0",
        "KVM",
        "family 26, model 2, stepping 1",
        "clzero",
        "Other <CPU>, Example 9",
    ] {
        assert!(text.contains(fact), "{fact}");
    }
}

#[test]
fn gallery_of_bad_files_names_them_all_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let message = refused(&run(folder, &["gallery", "."]));
    assert!(message.contains("no .json file"), "{message}");
    let message = refused(&run(folder, &["gallery", "absent"]));
    assert!(message.starts_with("error: absent: "), "{message}");
    std::fs::write(folder.join("good.json"), json(&sample::empty())).unwrap();
    std::fs::write(folder.join("index.json"), json(&sample::empty())).unwrap();
    std::fs::write(folder.join("cut.json"), "{\"schema\": 2").unwrap();
    std::fs::write(folder.join("old.json"), "{\"schema\": 0}").unwrap();
    let before = names(folder);
    let message = refused(&run(folder, &["gallery", "."]));
    assert_eq!(message.lines().count(), 1, "{message}");
    for word in
        ["cut.json", "old.json: a report of schema 0", "index.json", &format!("schema {SCHEMA}")]
    {
        assert!(message.contains(word), "no {word:?} in {message}");
    }
    assert!(!message.contains("good.json"), "{message}");
    assert_eq!(names(folder), before);
}
