//! `clearpage judge` on reports of the gallery, unchanged and changed.

mod tool;

use std::path::PathBuf;
use std::process::Output;

use serde_json::{Value, json};
use tool::{clearpage, run};

fn results(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../results").join(name)
}

fn report(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(results(name)).unwrap()).unwrap()
}

fn zen_5() -> Value {
    report("amd-epyc-zen5-kvm.json")
}

fn judge(args: &[&str]) -> Output {
    clearpage(&[&["judge"], args].concat())
}

/// Judges one text as a file: exit code, standard output, standard error.
fn judged(text: &str, args: &[&str]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.json"), text).unwrap();
    let output = run(folder.path(), &[&["judge", "a.json"], args].concat());
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// Judges a changed report.
fn changed(change: impl FnOnce(&mut Value)) -> (Option<i32>, String, String) {
    let mut report = zen_5();
    change(&mut report);
    judged(&report.to_string(), &[])
}

#[test]
#[cfg(target_arch = "x86_64")]
fn the_gallery_reaches_the_floor() {
    let files = ["amd-epyc-zen4-kvm", "amd-epyc-zen5-kvm", "intel-xeon-emerald-rapids-kvm"];
    let files = files.map(|name| results(&format!("{name}.json")));
    let files = files.each_ref().map(|path| path.to_str().unwrap());
    let output = judge(&files);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    for word in [
        "Zen 4",
        "Zen 5",
        "Emerald Rapids",
        "hot: mean",
        "cold: mean",
        "none below 0.90 of the fastest",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let output = judge(&[&files[..], &["--floor", "99.9%"]].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains(" below 1.00 of the fastest"), "{text}");
}

/// The worst place is in the first row, and every place below the floor has one.
#[test]
#[cfg(target_arch = "x86_64")]
fn the_worst_places_come_first() {
    // A primitive that no plan chooses becomes ten times as fast at one place.
    let (code, text, _) = changed(|report| {
        let cells = report["cells"].as_array_mut().unwrap();
        let cell = cells.iter_mut().find(|cell| {
            cell["contender"] == "movnti" && cell["temperature"] == "cold" && cell["size"] == 65536
        });
        let cell = cell.unwrap();
        cell["ns"] = (cell["ns"].as_f64().unwrap() / 10.0).into();
    });
    assert_eq!(code, Some(1), "{text}");
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('│')).collect();
    assert!(rows[1].contains("cold 64 KiB") && rows[1].contains("movnti"), "{text}");
    let share = |row: &str| -> f64 {
        row.trim_end_matches('│').rsplit('┆').next().unwrap().trim().parse().unwrap()
    };
    let shares: Vec<f64> = rows[1..].iter().map(|row| share(row)).collect();
    assert!(shares.is_sorted() && shares[0] < 0.5, "{text}");
}

#[test]
#[cfg(target_arch = "x86_64")]
fn doubtful_reports_are_judged_with_a_note() {
    let note = |(code, text, errors): (Option<i32>, String, String), words: &[&str]| {
        assert!(matches!(code, Some(0 | 1)), "{text}{errors}");
        for word in words {
            assert!(text.contains(word), "{word}: {text}{errors}");
        }
    };
    let (code, text, _) = judged(include_str!("data/schema-2.json"), &[]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("note: schema 2: no block size"), "{text}");
    assert!(text.contains("note: no figures of reuse: Hot is judged by use alone"), "{text}");

    let unknown = changed(|report| {
        let cells = report["cells"].as_array_mut().unwrap();
        let avx512 = cells.iter_mut().filter(|cell| cell["contender"] == "avx512");
        avx512.for_each(|cell| cell["contender"] = "warp".into());
    });
    note(unknown, &["note: warp is no primitive of this version"]);
    let contradiction = changed(|report| report["machine"]["facts"]["l3"] = 1000.into());
    note(contradiction, &["facts: l3 of 1000 bytes is smaller than l2"]);
    let contradiction = changed(|report| {
        report["machine"]["facts"]["features"] = json!([["erms", true]]);
    });
    note(contradiction, &["avx2 was measured, but the facts say that there is no avx2"]);
    // Its own plan is judged: this build has no table for it.
    let foreign = changed(|report| report["machine"]["facts"]["isa"] = "s390x".into());
    note(foreign, &["the facts are of s390x, this build is for x86_64", "recorded is judged"]);
    note(changed(|report| report["complete"] = false.into()), &["ended before all was measured"]);
}

#[test]
fn a_report_without_judged_figures_is_an_error() {
    let (code, _, errors) = changed(|report| report["cells"] = json!([]));
    assert_eq!(code, Some(2), "{errors}");
    assert_eq!(errors, "error: a.json: nothing in it can be judged\n");
}

#[test]
fn a_bad_file_does_not_stop_the_others() {
    let good = results("amd-epyc-zen5-kvm.json");
    let output = judge(&["/nonexistent/a.json", good.to_str().unwrap(), "/nonexistent/b.json"]);
    assert_eq!(output.status.code(), Some(2));
    let (text, errors) = (String::from_utf8(output.stdout), String::from_utf8(output.stderr));
    assert!(text.unwrap().contains("cold: mean"));
    let errors = errors.unwrap();
    assert!(errors.contains("/nonexistent/a.json: ") && errors.contains("error: /nonexistent/b"));
}

#[test]
fn a_floor_is_a_share_or_percent() {
    let good = results("amd-epyc-zen5-kvm.json");
    for share in ["1.5", "-1", "x", "101%", ""] {
        let output = judge(&[good.to_str().unwrap(), &format!("--floor={share}")]);
        assert_eq!(output.status.code(), Some(2), "{share}");
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.contains("0% to 100%"), "{share}: {errors}");
    }
    let output = judge(&[good.to_str().unwrap(), "--floor=0"]);
    assert_eq!(output.status.code(), Some(0));
}
