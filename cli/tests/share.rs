//! `clearpage bench --share`: the files that a CPU is added to the gallery with.

mod tool;

use std::path::MAIN_SEPARATOR;

use clearpage::PAGE_SIZE;
use clearpage_cli::report::load::load;
use clearpage_cli::report::{Report, Temperature};
use tool::{names, read, refused, run};

fn share(folder: &std::path::Path, args: &[&str]) -> std::process::Output {
    let size = PAGE_SIZE.to_string();
    let bench = ["bench", "--primitive=generic", "--loops=3", "--size", &size];
    run(folder, &[&bench[..], args].concat())
}

#[test]
fn the_files_are_named_after_the_cpu_and_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir(folder.join("results")).unwrap();
    let output = share(folder, &["--share=results"]);
    assert!(output.status.success(), "{output:?}");
    let found = names(&folder.join("results"));
    let [json, svg] = &found[..] else { panic!("{found:?}") };
    let name = json.strip_suffix(".json").unwrap();
    assert_eq!(*svg, format!("{name}.svg"));
    assert!(
        name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
        "{name}"
    );
    let report = load(&folder.join("results").join(json)).unwrap();
    for temperature in [Temperature::Hot, Temperature::Reuse, Temperature::Cold, Temperature::Use] {
        assert!(report.cells.iter().any(|cell| cell.place.temperature == temperature));
    }
    assert!(read(&folder.join("results"), svg).contains("<svg"));

    let request = String::from_utf8(output.stderr).unwrap();
    let folder = format!("results{MAIN_SEPARATOR}");
    for line in [
        format!("  clearpage judge {folder}{json}"),
        format!("  git add {folder}{json} {folder}{svg}"),
        format!("({name}.svg)"),
    ] {
        assert!(request.contains(&line), "{line}: {request}");
    }
}

#[test]
fn the_report_has_no_path_and_no_host_name() {
    let folder = tempfile::tempdir().unwrap();
    let output = share(folder.path(), &["--share", "--json=copy.json", "--csv", "a.csv"]);
    assert!(output.status.success(), "{output:?}");
    let found = names(folder.path());
    let json = found.iter().find(|name| name.ends_with(".json") && *name != "copy.json").unwrap();
    let text = read(folder.path(), json);
    assert_eq!(text, read(folder.path(), "copy.json"));
    let report: Report = serde_json::from_str(&text).unwrap();
    let size = PAGE_SIZE.to_string();
    let command = ["bench", "--primitive=generic", "--loops=3", "--size", &size, "--share"];
    assert_eq!(report.command, command);
    let folder = folder.path().file_name().unwrap().to_str().unwrap();
    assert!(!text.contains(folder) && !text.contains("copy.json"), "{text}");
    if let Ok(host) = std::fs::read_to_string("/proc/sys/kernel/hostname") {
        // Short names occur by chance.
        assert!(host.trim().len() < 6 || !text.contains(host.trim()), "{host}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_before_measuring() {
    let folder = tempfile::tempdir().unwrap();
    let message = refused(&run(folder.path(), &["bench", "--share=absent"]));
    assert!(message.contains(&format!("absent{MAIN_SEPARATOR}")), "{message}");
}
