//! `clearpage tune`, and what clap generates. Which primitive is fastest is no test's matter.

use std::path::PathBuf;
use std::process::{Command, Output};

use clearpage::{Intent, Tuning};

fn command(args: &[&str]) -> Command {
    let mut command =
        clearpage_testkit::emulator::command(env!("CARGO_BIN_EXE_clearpage").as_ref());
    command.args(args).env_remove("CLEARPAGE_FORCE").env_remove("CLEARPAGE_TUNING");
    command
}

fn clearpage(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The message of a run that must end with exit code 2, before anything was printed.
fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    text(&output.stderr)
}

/// A place for a file of this test.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        let name = format!("clearpage-tune-{name}-{}.tuning", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn with(name: &str, text: &str) -> Self {
        let file = Self::new(name);
        std::fs::write(&file.0, text).unwrap();
        file
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Enough on a machine that has much else to do.
const PATIENT: &str = "--budget=30";

#[test]
fn a_written_tuning_is_loaded() {
    // Longer than a tuning: nothing of it may stay.
    let file = File::with("written", &"x".repeat(1 << 16));
    let output = clearpage(&["tune", "--output", file.path(), PATIENT]);
    assert!(output.status.success(), "{output:?}");
    let written = std::fs::read_to_string(&file.0).unwrap();
    let tuning: Tuning = written.parse().unwrap();
    assert_eq!(written, tuning.to_string());
    let why = text(&output.stdout);
    for intent in Intent::ALL {
        assert!(why.contains(&format!("\n{}: +", intent.name())), "{why}");
    }
    for word in ["default", "measured", "gain", "over the default on the mean of", "%"] {
        assert!(why.contains(word), "{word}: {why}");
    }
    let output = command(&["list"]).env("CLEARPAGE_TUNING", &file.0).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn without_a_file_standard_output_is_the_tuning() {
    let output = clearpage(&["tune", PATIENT]);
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output.stdout).parse::<Tuning>().is_ok(), "{output:?}");
    assert!(text(&output.stderr).contains("over the default"), "{output:?}");
}

#[test]
fn a_file_that_cannot_be_written_is_refused_before_measuring() {
    let message = refused(&clearpage(&["tune", "--output", "/nonexistent/x.tuning"]));
    assert!(message.contains("--output /nonexistent/x.tuning: "), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
    let directory = std::env::temp_dir();
    let message = refused(&clearpage(&["tune", "--output", directory.to_str().unwrap()]));
    assert!(message.contains("--output"), "{message}");
}

#[test]
fn a_check_ends_as_it_says() {
    // Whether it fits is up to a machine that may be busy: that all it says is of one mind is not.
    let file = File::with("check", &Tuning::detect().to_string());
    let output = clearpage(&["tune", "--check", file.path(), PATIENT]);
    let said = text(&output.stdout);
    let last = said.lines().last().unwrap();
    let differing = said.lines().filter(|line| line.contains("is better than")).count();
    match output.status.code() {
        Some(0) => {
            assert!(last.ends_with("fits this CPU"), "{said}");
            assert_eq!(differing, 0, "{said}");
        }
        Some(1) => assert!(last.contains(&format!("does not fit: {differing} cl")), "{said}"),
        _ => panic!("{output:?}"),
    }
    assert_eq!(std::fs::read_to_string(&file.0).unwrap(), Tuning::detect().to_string());
}

#[test]
fn a_budget_that_is_too_short_writes_nothing() {
    let file = File::new("short");
    let message = refused(&clearpage(&["tune", "--budget=0.001", "--output", file.path()]));
    assert!(message.contains("--budget 0.001: too short"), "{message}");
    assert!(!file.0.exists());
    for budget in ["0", "-1", "61", "soon"] {
        let message = refused(&clearpage(&["tune", &format!("--budget={budget}")]));
        assert!(message.contains("0.001 to 60 seconds"), "{message}");
    }
}

/// What was not measured is unchanged, and said to be so.
#[test]
fn a_short_budget_reports_the_open_questions() {
    for budget in ["0.3", "0.6", "1.2", "2.4", "5"] {
        let output = clearpage(&["tune", &format!("--budget={budget}")]);
        if output.status.code() == Some(2) {
            continue; // not even one question on this machine
        }
        let why = text(&output.stderr);
        let lengths = why.lines().filter(|line| line.starts_with("│ hot")).count();
        let cold = why.lines().filter(|line| line.starts_with("│ cold")).count();
        assert!(cold >= lengths && cold > 0, "cold comes first: {why}");
        if lengths < cold {
            assert!(why.contains("no time for"), "{why}");
        }
        return;
    }
    panic!("five seconds were too short");
}

#[test]
fn a_tuning_of_another_cpu_does_not_fit() {
    let foreign = Tuning::detect().to_string().replacen("\nmodel ", "\nmodel 9", 1);
    let file = File::with("foreign", &foreign);
    let output = clearpage(&["tune", "--check", file.path()]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = text(&output.stdout);
    assert!(said.contains("made on another model of CPU"), "{said}");

    // It can be put right, whatever the environment says.
    let mut tune = command(&["tune", "--output", file.path()]);
    let output = tune.env("CLEARPAGE_TUNING", &file.0).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(std::fs::read_to_string(&file.0).unwrap().parse::<Tuning>().is_ok());
}

#[test]
fn an_invalid_tuning_is_refused_with_its_line() {
    let good = Tuning::detect().to_string();
    let cases = [
        ("empty", String::new(), "line 1: not a tuning"),
        ("intent", good.replacen("auto 0", "tepid 0", 1), "no such intent"),
        ("cut", good.replacen("end\n", "", 1), "it was cut off"),
    ];
    for (name, tuning, words) in cases {
        let file = File::with(name, &tuning);
        let message = refused(&clearpage(&["tune", "--check", file.path()]));
        assert!(message.contains(words) && message.contains(file.path()), "{name}: {message}");
    }
    let message = refused(&clearpage(&["tune", "--check", "/nonexistent/x.tuning"]));
    assert!(message.contains("--check /nonexistent/x.tuning: "), "{message}");
    refused(&clearpage(&["tune", "--check", "a", "--output", "b"]));
}

#[test]
fn completions_and_pages_know_every_command() {
    let page = clearpage(&["man"]);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = clearpage(&["completions", shell]);
        assert!(script.status.success(), "{script:?}");
        for command in ["bench", "compare", "tune", "completions", "man"] {
            assert!(text(&script.stdout).contains(command), "{shell}: {command}");
            assert!(text(&page.stdout).contains(command), "{command}");
        }
    }
    for command in ["bench", "compare", "tune", "completions", "man"] {
        let page = text(&clearpage(&["man", command]).stdout);
        assert!(page.contains(&format!(".TH clearpage-{command} 1")), "{page}");
        assert!(page.contains("Example"), "{page}");
        let help = text(&clearpage(&[command, "--help"]).stdout);
        assert!(help.contains(&format!("  clearpage {command}")), "{help}");
    }
    assert!(refused(&clearpage(&["man", "nonsense"])).contains("allowed are info, list"));
    assert!(refused(&clearpage(&["completions", "cmd"])).contains("bash"));
}
