//! What the tool writes: files as a whole or not at all, never through a link, and all of them
//! before the text.

#![cfg(unix)]

#[path = "common/report.rs"]
mod sample;
mod tool;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use clearpage::PAGE_SIZE;
use clearpage_cli::render::{csv, html, svg};
use clearpage_cli::report::Report;
use tempfile::TempDir;
use tool::{command, names, read, refused, run, stdout};

/// Returns a folder with a report.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let report = serde_json::to_string(&sample::report()).unwrap();
    fs::write(folder.path().join("a.json"), report).unwrap();
    folder
}

/// Runs the tool in a shell, as `"$@"` of `script`.
fn in_shell(folder: &Path, script: &str, args: &[&str]) -> Output {
    let tool = command(args);
    let mut shell = Command::new("sh");
    shell.current_dir(folder).args(["-c", script, "sh"]).arg(tool.get_program());
    shell.args(tool.get_args()).env_remove("CLEARPAGE_FORCE").env_remove("CLEARPAGE_TUNING");
    shell.output().unwrap()
}

/// A benchmark of a second.
fn bench() -> [String; 5] {
    [
        "bench",
        "--loops=3",
        "--temperature=hot",
        "--primitive=generic",
        &format!("--size={PAGE_SIZE}"),
    ]
    .map(str::to_owned)
}

/// Returns every command that writes a file, without the file.
fn writers() -> Vec<Vec<String>> {
    let bench = bench();
    let bench = bench.each_ref().map(String::as_str);
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
fn a_full_disk_leaves_the_old_file_and_no_temporary_one() {
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
fn a_new_file_has_the_mode_of_the_umask_and_a_replaced_one_keeps_its_own() {
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
fn a_full_device_is_an_error() {
    let folder = folder();
    let message = refused(&run(folder.path(), &["render", "a.json", "--csv", "/dev/full"]));
    assert!(message.starts_with("error: --csv /dev/full: No space left"), "{message}");
}

#[test]
fn a_folder_is_refused() {
    let folder = folder();
    for name in [".", "absent/"] {
        let message = refused(&run(folder.path(), &["render", "a.json", "--csv", name]));
        assert!(message.starts_with(&format!("error: --csv {name}: ")), "{message}");
    }
    assert_eq!(names(folder.path()), ["a.json"]);
}

#[test]
fn a_dash_is_standard_output_and_the_tables_go_to_standard_error() {
    let folder = folder();
    let bench = bench();
    let bench = bench.each_ref().map(String::as_str);
    for name in ["-", "/dev/stdout", "/dev/fd/1"] {
        let output = run(folder.path(), &["render", "a.json", "--csv", name]);
        assert_eq!(stdout(&output), csv::csv(&sample::report()));
        let output = run(folder.path(), &[&bench[..], &["--json", name]].concat());
        let report: Report = serde_json::from_slice(&output.stdout).unwrap();
        assert!(report.complete);
        assert!(String::from_utf8(output.stderr).unwrap().contains("plan : envelope"));
    }
    assert_eq!(names(folder.path()), ["a.json"]);
}

#[test]
fn one_file_for_two_outputs_is_refused() {
    let folder = folder();
    let folder = folder.path();
    for (one, other) in [("x", "x"), ("x", "./x"), ("x", "../{}/x"), ("-", "/dev/stdout")] {
        let other = other.replace("{}", folder.file_name().unwrap().to_str().unwrap());
        let outputs = ["--csv", one, "--html", &other];
        for command in [&["bench"][..], &["render", "a.json"]] {
            let message = refused(&run(folder, &[command, &outputs].concat()));
            let expected = format!("error: --html {other}: --csv {one} is the same file\n");
            assert_eq!(message, expected);
        }
    }
    assert_eq!(names(folder), ["a.json"]);
}

#[test]
fn an_output_that_is_the_input_is_refused() {
    let folder = folder();
    let folder = folder.path();
    symlink("a.json", folder.join("link.json")).unwrap();
    let before = read(folder, "a.json");
    for input in ["a.json", "./a.json", "link.json"] {
        let message = refused(&run(folder, &["render", input, "--html", "a.json"]));
        assert!(message.starts_with("error: --html a.json: the input"), "{message}");
        assert_eq!(read(folder, "a.json"), before);
    }
}

#[test]
fn a_closed_pipe_loses_no_file() {
    let folder = folder();
    let outputs = ["--json", "b.json", "--csv", "b.csv", "--svg", "b.svg", "--html", "b.html"];
    let bench = bench();
    let bench: Vec<&str> = bench.iter().map(String::as_str).collect();
    let args = [&bench[..], &outputs].concat();
    let output = in_shell(folder.path(), "{ \"$@\"; echo $? >&2; } | :", &args);
    // Ended by SIGPIPE, without a message.
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "141\n");
    let json = fs::read(folder.path().join("b.json")).unwrap();
    let report: Report = serde_json::from_slice(&json).unwrap();
    assert_eq!(read(folder.path(), "b.csv"), csv::csv(&report));
    assert_eq!(read(folder.path(), "b.svg"), svg::svg(&report));
    assert_eq!(read(folder.path(), "b.html"), html::html(&report));
    assert_eq!(names(folder.path()), ["a.json", "b.csv", "b.html", "b.json", "b.svg"]);
}

#[test]
fn a_signal_leaves_each_file_whole_or_absent() {
    let folder = folder();
    let page = html::html(&sample::report());
    for i in 0..60 {
        let mut render = command(&["render", "a.json", "--html", "b.html"]);
        let mut child = render.current_dir(folder.path()).stderr(Stdio::null()).spawn().unwrap();
        // The file is written within a few milliseconds.
        sleep(Duration::from_micros(250 * i));
        let signal = [libc::SIGHUP, libc::SIGTERM, libc::SIGINT][i as usize % 3];
        // SAFETY: the child has not been waited for, so that the number is still its own.
        assert_eq!(unsafe { libc::kill(child.id() as i32, signal) }, 0);
        child.wait().unwrap();
        match names(folder.path()).as_slice() {
            [_] => {}
            [_, name] if name == "b.html" => assert_eq!(read(folder.path(), name), page),
            names => panic!("{names:?}"),
        }
        let _ = fs::remove_file(folder.path().join("b.html"));
    }
}

#[test]
fn a_file_that_cannot_be_written_is_refused_before_anything_is_printed() {
    let folder = folder();
    let message = refused(&run(folder.path(), &["bench", "--json", "absent/x"]));
    assert!(message.starts_with("error: --json absent/x: "), "{message}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_output_is_one_line_and_exit_status_2() {
    let folder = folder();
    fs::write(folder.path().join("a.tuning"), clearpage::Tuning::detect().to_string()).unwrap();
    let bench = bench();
    let bench = bench.each_ref().map(String::as_str);
    let commands: [&[&str]; 13] = [
        &["--help"],
        &["--version"],
        &["bench", "--help"],
        &["info"],
        &["list"],
        &["list", "--markdown"],
        &[&bench[..], &["--json", "b.json"]].concat(),
        &["compare", "a.json", "a.json"],
        &["judge", "a.json"],
        &["tune", "--budget=5"],
        &["tune", "--budget=5", "--check", "a.tuning"],
        &["completions", "bash"],
        &["man"],
    ];
    for args in commands {
        let output = in_shell(folder.path(), "\"$@\" > /dev/full", args);
        let message = refused(&output);
        let last = message.lines().next_back().unwrap();
        assert!(last.contains("No space left on device"), "{args:?}: {message}");
        // Otherwise the reasons are on standard error.
        if args != ["tune", "--budget=5"] {
            let lines = message.lines().filter(|line| !line.starts_with("written: "));
            assert_eq!(lines.count(), 1, "{args:?}: {message}");
        }
    }
    let json = fs::read(folder.path().join("b.json")).unwrap();
    assert!(serde_json::from_slice::<Report>(&json).is_ok());
}
