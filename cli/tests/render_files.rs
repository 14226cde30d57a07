//! `render`, `gallery` and the pictures of `bench`, as a user meets them: the files they write, and
//! those that they leave alone.

#[path = "common/report.rs"]
mod sample;
mod tool;

use clearpage_cli::render::{csv, html, svg};
use clearpage_cli::report::{Report, SCHEMA};
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
fn a_file_that_is_no_report_is_named_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut value = serde_json::to_value(sample::empty()).unwrap();
    let file = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    file("cut.json", &json(&sample::report())[..5000]);
    file("other.json", "[1, 2]");
    file("empty.json", "");
    value["schema"] = (SCHEMA + 1).into();
    file("newer.json", &value.to_string());
    value["schema"] = SCHEMA.into();
    value["machine"]["cpu"] = 5.into();
    file("odd.json", &value.to_string());
    let before = names(folder);
    let (newer, ours) = (format!("schema {}", SCHEMA + 1), format!("schema {SCHEMA}"));
    let cases: [(&str, &[&str]); 6] = [
        ("cut.json", &["no report", "line"]),
        ("other.json", &["no report"]),
        ("empty.json", &["no report"]),
        ("newer.json", &[&newer, &ours]),
        ("odd.json", &["no report", "line"]),
        ("absent.json", &["No such file"]),
    ];
    for (name, words) in cases {
        let output = run(folder, &["render", name, "--html", "a.html", "--csv", "a.csv"]);
        let message = refused(&output);
        assert!(message.starts_with(&format!("error: {name}: ")), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        for word in words {
            assert!(message.contains(word), "{name}: no {word:?} in {message}");
        }
        assert_eq!(names(folder), before);
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
            "index.html"
        ]
    );
    assert_eq!(read(folder, "first.html"), html::html(&sample::report()));
    assert_eq!(read(folder, "first.svg"), svg::svg(&sample::report()));
    let index = read(folder, "index.html");
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let index = roxmltree::Document::parse_with_options(&index, options).unwrap();
    let links: Vec<_> = index
        .descendants()
        .filter_map(|node| Some((node.attribute("href")?, node.text()?)))
        .collect();
    let sample = sample::report().machine.cpu;
    assert_eq!(links, [("./a%20b%23.html", "Other <CPU>"), ("./first.html", &*sample)]);
    let text: String = index.descendants().filter_map(|node| node.text()).collect();
    for fact in
        ["Linux 6.12.0", "KVM", "family 26, model 2, stepping 1", "clzero", "The plan reaches"]
    {
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
