//! What is printed on 60 columns: no line is longer, and no word is broken.

#[path = "common/report.rs"]
mod sample;
mod tool;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clearpage_cli::report::Report;
use tool::command;

const COLUMNS: usize = 60;

fn printed(folder: &Path, columns: usize, args: &[&str]) -> String {
    let mut command = command(args);
    let output = command.current_dir(folder).env("COLUMNS", columns.to_string()).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

/// The words that begin with a letter: figures differ from run to run.
fn words(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| c.is_whitespace() || "│┆".contains(c));
    words.filter(|word| word.starts_with(char::is_alphabetic)).collect()
}

fn write(folder: &Path, name: &str, report: &Report) {
    fs::write(folder.join(name), serde_json::to_string(report).unwrap()).unwrap();
}

#[test]
fn no_line_is_longer_and_no_word_is_broken() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut report = sample::report();
    report.cells.retain(|cell| cell.place.cpu == Some(0));
    write(folder, "a.json", &report);
    report.cells.iter_mut().for_each(|cell| cell.ns *= 1.5);
    report.machine.kernel = "Linux of another version and with a rather long name".to_owned();
    write(folder, "b.json", &report);
    let size = (16 * clearpage::PAGE_SIZE).to_string();
    let bench = |unit| {
        let size = format!("--size={size}");
        ["bench", "--temperature=hot", "--loops=3", unit, &size].map(str::to_owned)
    };
    let mut commands: Vec<Vec<String>> = [
        &["info"][..],
        &["list"],
        &["compare", "a.json", "b.json"],
        &["compare", "a.json", "a.json"],
        &["judge", "a.json"],
        &["bench", "--temperature=hot,cold", "--loops=3", "--primitive=generic", "--size=1M"],
        &["tune", "--budget=30", "--output=a.tuning"],
        &["--help"],
    ]
    .map(|args| args.iter().map(|&arg| arg.to_owned()).collect())
    .to_vec();
    commands.extend(["--unit=gbps", "--unit=ns", "--unit=cycles"].map(|unit| bench(unit).to_vec()));
    for name in ["bench", "compare", "judge", "tune", "render", "gallery", "list", "man"] {
        commands.push(vec![name.to_owned(), "--help".to_owned()]);
    }
    for command in commands {
        let args: Vec<&str> = command.iter().map(String::as_str).collect();
        let (wide, narrow) = (printed(folder, 300, &args), printed(folder, COLUMNS, &args));
        // Two runs may choose other primitives, and one of them takes "14 to 15 samples".
        let others = clearpage::primitives().iter().map(|row| row.name()).chain(["to"]);
        let known: BTreeSet<&str> = words(&wide).into_iter().chain(others).collect();
        for line in narrow.lines() {
            // Commands are not wrapped.
            let example = line.starts_with("  ") && line.contains("clearpage ");
            let is_command = example || line.starts_with("Usage: ");
            let fits = line.chars().count() <= COLUMNS || is_command;
            assert!(fits, "{args:?}: {line:?} in\n{narrow}");
        }
        let broken: Vec<_> = words(&narrow).difference(&known).copied().collect();
        assert!(broken.is_empty(), "{args:?}: {broken:?} in\n{narrow}");
    }
}
