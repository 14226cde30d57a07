//! How files are written: as a whole or not at all, and never through a link.

#![cfg(unix)]

#[path = "common/report.rs"]
mod sample;
mod tool;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use clearpage::PAGE_SIZE;
use clearpage_cli::render::csv;
use tempfile::TempDir;
use tool::{command, refused};

/// A folder with a report.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let report = serde_json::to_string(&sample::report()).unwrap();
    fs::write(folder.path().join("a.json"), report).unwrap();
    folder
}

fn run(folder: &Path, args: &[&str]) -> Output {
    command(args).current_dir(folder).output().unwrap()
}

/// Runs the tool in a shell, as `"$@"` of `script`.
fn in_shell(folder: &Path, script: &str, args: &[&str]) -> Output {
    let tool = command(args);
    let mut shell = Command::new("sh");
    shell.current_dir(folder).args(["-c", script, "sh"]).arg(tool.get_program());
    shell.args(tool.get_args()).env_remove("CLEARPAGE_FORCE").env_remove("CLEARPAGE_TUNING");
    shell.output().unwrap()
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Every command that writes a file, without the file.
fn writers() -> Vec<Vec<String>> {
    let size = format!("--size={PAGE_SIZE}");
    let bench = ["bench", "--loops=3", "--temperature=hot", "--primitive=generic", &size];
    let mut writers = Vec::new();
    for option in ["--json", "--csv", "--svg", "--html"] {
        writers.push([&bench[..], &[option]].concat());
    }
    for option in ["--csv", "--svg", "--html"] {
        writers.push(vec!["render", "a.json", option]);
    }
    writers.push(vec!["tune", "--budget=5", "--output"]);
    writers.into_iter().map(|args| args.into_iter().map(str::to_owned).collect()).collect()
}

#[test]
fn a_symbolic_link_is_refused_and_its_target_unchanged() {
    let folder = folder();
    let folder = folder.path();
    fs::write(folder.join("victim"), "whole").unwrap();
    symlink("victim", folder.join("link")).unwrap();
    symlink("absent", folder.join("dangling")).unwrap();
    let before = names(folder);
    for writer in writers() {
        for link in ["link", "dangling"] {
            let args: Vec<&str> = writer.iter().map(String::as_str).chain([link]).collect();
            let message = refused(&run(folder, &args));
            let option = writer.last().unwrap();
            assert!(message.contains(&format!("{option} {link}: a symbolic link")), "{message}");
            assert_eq!(message.lines().count(), 1, "{message}");
        }
        assert_eq!(read(folder, "victim"), "whole");
        assert_eq!(names(folder), before, "{writer:?}");
    }
}

#[test]
fn gallery_does_not_write_through_a_symbolic_link() {
    for page in ["a.html", "a.svg", "index.html"] {
        let folder = folder();
        fs::create_dir(folder.path().join("results")).unwrap();
        fs::rename(folder.path().join("a.json"), folder.path().join("results/a.json")).unwrap();
        fs::write(folder.path().join("victim"), "whole").unwrap();
        symlink("../victim", folder.path().join("results").join(page)).unwrap();
        let message = refused(&run(folder.path(), &["gallery", "results"]));
        assert!(message.contains(&format!("results/{page}: a symbolic link")), "{message}");
        assert_eq!(read(folder.path(), "victim"), "whole");
        assert_eq!(names(&folder.path().join("results")).len(), 2);
    }
}

#[test]
fn a_file_is_replaced_and_not_overwritten() {
    for writer in writers() {
        let folder = folder();
        let folder = folder.path();
        fs::write(folder.join("out"), "old").unwrap();
        fs::hard_link(folder.join("out"), folder.join("other")).unwrap();
        let args: Vec<&str> = writer.iter().map(String::as_str).chain(["out"]).collect();
        let output = run(folder, &args);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(read(folder, "other"), "old", "{writer:?}");
        assert_ne!(read(folder, "out"), "old", "{writer:?}");
        assert_eq!(names(folder), ["a.json", "other", "out"]);
    }
}

#[test]
fn a_write_that_fails_leaves_the_old_file_whole_and_nothing_else() {
    let folder = folder();
    let folder = folder.path();
    fs::write(folder.join("old"), "whole").unwrap();
    // The page is longer than that: 4 blocks of 512 or 1024 bytes.
    for name in ["old", "new"] {
        let output = in_shell(folder, "ulimit -f 4; \"$@\"", &["render", "a.json", "--html", name]);
        let message = refused(&output);
        assert!(message.starts_with(&format!("error: --html {name}: ")), "{message}");
        assert_eq!(read(folder, "old"), "whole");
        assert_eq!(names(folder), ["a.json", "old"]);
    }
}

#[test]
fn a_new_file_has_the_usual_mode_and_a_replaced_one_its_own() {
    let folder = folder();
    let folder = folder.path();
    let mode = |name: &str| fs::metadata(folder.join(name)).unwrap().mode() & 0o7777;
    let render = |umask: &str, name: &str| {
        let args = ["render", "a.json", "--csv", name];
        let output = in_shell(folder, &format!("umask {umask}; \"$@\""), &args);
        assert!(output.status.success(), "{output:?}");
    };
    for (umask, expected) in [("022", 0o644), ("077", 0o600), ("002", 0o664)] {
        render(umask, umask);
        assert_eq!(mode(umask), expected, "{umask}");
    }
    for old in [0o600, 0o666, 0o755] {
        fs::set_permissions(folder.join("022"), fs::Permissions::from_mode(old)).unwrap();
        render("027", "022");
        assert_eq!(mode("022"), old, "{old:o}");
    }
}

#[test]
fn pipes_and_devices_are_written_in_place() {
    let folder = folder();
    let folder = folder.path();
    let table = csv::csv(&sample::report());
    let to = |name| ["render", "a.json", "--csv", name];

    let output = run(folder, &to("/dev/null"));
    assert!(output.status.success(), "{output:?}");
    for name in ["/dev/stdout", "/dev/fd/1"] {
        let output = run(folder, &to(name));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), table);
    }
    let script = "mkfifo pipe; cat pipe > copy & \"$@\"; wait";
    let output = in_shell(folder, script, &to("pipe"));
    assert!(output.status.success(), "{output:?}");
    assert_eq!(read(folder, "copy"), table);
    assert_eq!(names(folder), ["a.json", "copy", "pipe"]);
    // A gallery is of files alone.
    fs::rename(folder.join("pipe"), folder.join("a.html")).unwrap();
    let message = refused(&run(folder, &["gallery", "."]));
    assert!(message.contains("a.html: not a regular file"), "{message}");
}

/// What the shell has opened to add to is added to.
#[test]
fn standard_output_appends_to_its_file() {
    let folder = folder();
    let table = csv::csv(&sample::report());
    for name in ["/dev/stdout", "/dev/fd/1", "/dev/fd/5"] {
        let script = "echo first > copy; \"$@\" >> copy 5>> copy; echo last >> copy";
        let output = in_shell(folder.path(), script, &["render", "a.json", "--csv", name]);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(read(folder.path(), "copy"), format!("first\n{table}last\n"), "{name}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_that_is_full_is_an_error() {
    let folder = folder();
    let message = refused(&run(folder.path(), &["render", "a.json", "--csv", "/dev/full"]));
    assert!(message.starts_with("error: --csv /dev/full: No space left"), "{message}");
}

#[test]
fn a_folder_is_no_file() {
    let folder = folder();
    for name in [".", "absent/"] {
        let message = refused(&run(folder.path(), &["render", "a.json", "--csv", name]));
        assert!(message.starts_with(&format!("error: --csv {name}: ")), "{message}");
    }
    assert_eq!(names(folder.path()), ["a.json"]);
}
