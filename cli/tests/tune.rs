//! `clearpage tune`, and what clap generates. No test depends on which primitive is fastest.

mod tool;

use clearpage::{Intent, Tuning};
use tool::{Temporary, clearpage, command, refused};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn file(name: &str, text: &str) -> Temporary {
    let file = Temporary::new(name);
    std::fs::write(&file.0, text).unwrap();
    file
}

/// Enough on a busy machine.
const PATIENT: &str = "--budget=30";

#[test]
fn a_written_tuning_is_loaded() {
    // Longer than a tuning.
    let file = file("written", &"x".repeat(1 << 16));
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
fn the_exit_status_of_a_check_agrees_with_its_text() {
    // A busy machine may find that the tuning does not fit.
    let file = file("check", &Tuning::detect().to_string());
    let output = clearpage(&["tune", "--check", file.path(), PATIENT]);
    let said = text(&output.stdout);
    let last = said.lines().last().unwrap();
    let differing = said.lines().filter(|line| line.contains("is better than")).count();
    match output.status.code() {
        Some(0) => {
            assert!(last.ends_with("fits this CPU"), "{said}");
            assert_eq!(differing, 0, "{said}");
        }
        Some(1) => assert!(last.contains(&format!("does not fit at {differing} length")), "{said}"),
        _ => panic!("{output:?}"),
    }
    assert_eq!(std::fs::read_to_string(&file.0).unwrap(), Tuning::detect().to_string());
}

#[test]
fn a_budget_that_is_too_short_writes_nothing() {
    let file = Temporary::new("short");
    let message = refused(&clearpage(&["tune", "--budget=0.001", "--output", file.path()]));
    assert!(message.contains("--budget 0.001: too short"), "{message}");
    assert!(!file.0.exists());
    for budget in ["0", "-1", "61", "soon"] {
        let message = refused(&clearpage(&["tune", &format!("--budget={budget}")]));
        assert!(message.contains("0.001 to 60 seconds"), "{message}");
    }
}

#[test]
fn a_short_budget_measures_cold_first_and_reports_the_open_questions() {
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
    let file = file("foreign", &foreign);
    let output = clearpage(&["tune", "--check", file.path()]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = text(&output.stdout);
    assert!(said.contains("made on another model of CPU: model 9"), "{said}");
    assert!(said.contains(", this machine has "), "{said}");

    // CLEARPAGE_TUNING does not keep it from being replaced.
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
        let file = file(name, &tuning);
        let message = refused(&clearpage(&["tune", "--check", file.path()]));
        assert!(message.contains(words) && message.contains(file.path()), "{name}: {message}");
    }
    let message = refused(&clearpage(&["tune", "--check", "/nonexistent/x.tuning"]));
    assert!(message.contains("--check /nonexistent/x.tuning: "), "{message}");
    refused(&clearpage(&["tune", "--check", "a", "--output", "b"]));
}

#[test]
fn races_are_printed_as_rows() {
    let file = Temporary::new("races");
    let output = clearpage(&["tune", "--format=json", "--output", file.path(), PATIENT]);
    let races: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let race = &races[0];
    assert!(race["intent"].is_string() && race["from"].is_u64(), "{races}");
    assert!(race["gain"].as_f64() >= Some(1.0), "{races}");
    assert!(std::fs::read_to_string(&file.0).unwrap().parse::<Tuning>().is_ok());
}

#[test]
fn completions_have_the_primitives() {
    for shell in ["bash", "zsh", "fish"] {
        let script = text(&clearpage(&["completions", shell]).stdout);
        for primitive in clearpage::primitives() {
            assert!(script.contains(primitive.name()), "{shell}: {primitive:?}");
        }
    }
}

#[test]
fn completions_and_manual_pages_have_every_command() {
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
        for section in ["EXAMPLES", "ENVIRONMENT", "\"EXIT STATUS\""] {
            assert!(page.contains(&format!(".SH {section}\n")), "{section}: {page}");
        }
        assert!(page.contains("CLEARPAGE_TUNING") && page.contains("NO_COLOR"), "{page}");
        let help = text(&clearpage(&[command, "--help"]).stdout);
        assert!(help.contains(&format!("  clearpage {command}")), "{help}");
    }
    assert!(refused(&clearpage(&["man", "nonsense"])).contains("allowed are info, list"));
    assert!(refused(&clearpage(&["completions", "cmd"])).contains("bash"));
}
