//! Pages as a reader sees them, in Chromium: run by `.ci/pages`, which installs it.
//!
//! Screenshots are left in `pages` under cargo's folder for tests.

#[path = "common/figures.rs"]
mod figures;
#[path = "common/report.rs"]
mod sample;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use clearpage_cli::render::{gallery, html, svg};
use clearpage_cli::report::{Report, compare_to_envelope};
use serde_json::Value;

const WIDTHS: [u32; 2] = [400, 1200];

/// A folder of its own for each test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// What Chromium makes of a page, as a user that it has not seen before.
fn chromium(page: &Path, args: &[&str]) -> Output {
    let user = page.with_extension("user");
    let mut command = Command::new("chromium");
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"]);
    command.args(["--no-first-run", "--disable-background-networking", "--disable-sync"]);
    command.args(["--disable-component-update", "--hide-scrollbars"]);
    command.arg(format!("--user-data-dir={}", user.display()));
    let output = command.args(args).arg(format!("file://{}", page.display())).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    std::fs::remove_dir_all(user).unwrap();
    output
}

fn scheme(dark: bool) -> String {
    format!("--blink-settings=preferredColorScheme={}", if dark { 0 } else { 1 })
}

fn screenshot(page: &Path, name: &str, (width, height): (u32, u32), dark: bool) {
    let picture = page.with_file_name(name);
    let size = format!("--window-size={width},{height}");
    chromium(page, &[&size, &scheme(dark), &format!("--screenshot={}", picture.display())]);
    assert!(std::fs::metadata(picture).unwrap().len() > 10_000);
}

/// What the probe sees in a copy of the page: in a frame, since a window is no narrower than 500.
fn probe(page: &Path, width: u32, dark: bool) -> Value {
    const POLICY: &str = "http-equiv=\"Content-Security-Policy\"";
    const START: &str = "<pre id=\"probe\">";
    let text = std::fs::read_to_string(page).unwrap();
    assert_eq!(text.matches(POLICY).count(), 1);
    let script = format!("<script>{}</script></body>", include_str!("common/probe.js"));
    let text = text.replace(POLICY, "name=\"none\"").replace("</body>", &script);
    let frame = format!(
        "<!DOCTYPE html><style>:root {{ color-scheme: light dark }} body {{ margin: 0 }}</style>\
         <iframe width=\"{width}\" height=\"1000\" style=\"border: 0\" srcdoc=\"{}\"></iframe>\
         <script>onload = () => document.body.replaceChildren(\
         frames[0].document.getElementById('probe'))</script>",
        text.replace('&', "&amp;").replace('"', "&quot;")
    );
    let copy = page.with_extension("probe.html");
    std::fs::write(&copy, frame).unwrap();
    let output = chromium(&copy, &["--window-size=1300,1000", &scheme(dark), "--dump-dom"]);
    let dom = String::from_utf8(output.stdout).unwrap();
    let start = dom.find(START).unwrap_or_else(|| panic!("no result in {}", copy.display()));
    let found = dom[start + START.len()..].split("</pre>").next().unwrap();
    let found: Value = serde_json::from_str(found).unwrap();
    assert_eq!((&found["inner"], &found["dark"]), (&width.into(), &dark.into()));
    found
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// A page can be read, wide and narrow, dark or not; what was seen, each time.
fn check_readable(page: &Path, schemes: &[bool]) -> Vec<Value> {
    let mut seen = Vec::new();
    for width in WIDTHS {
        for &dark in schemes {
            let found = probe(page, width, dark);
            assert!(found["scroll"].as_u64().unwrap() <= u64::from(width), "{}", found["scroll"]);
            for wrong in ["faint", "overlaps", "outside", "wide", "cut"] {
                assert_eq!(texts(&found[wrong]), [""; 0], "{wrong}: {width}, dark: {dark}");
            }
            seen.push(found);
        }
    }
    seen
}

#[test]
#[ignore = "needs Chromium: .ci/pages"]
fn a_page_shows_the_measured_figures() {
    let report = sample::report();
    let page = folder("report").join("report.html");
    std::fs::write(&page, html::html(&report)).unwrap();
    for found in check_readable(&page, &[false, true]) {
        let rows = |table: &Value| table.as_array().unwrap().iter().map(texts).collect::<Vec<_>>();
        figures::check_tables(&rows(&found["figures"]), &report);
        let maps: Vec<_> = found["maps"].as_array().unwrap().iter().map(rows).collect();
        figures::check_heat_maps(&maps, &report);
        figures::check_points(&texts(&found["points"]), &report);
        figures::check_names(&texts(&found["names"]), &report);
    }
    screenshot(&page, "light.png", (1200, 5000), false);
    screenshot(&page, "dark.png", (1200, 5000), true);
    screenshot(&page, "narrow.png", (400, 5000), false);
    print(&page);
}

/// A page on paper: all of it, folded parts too, and nothing cut at the margin.
fn print(page: &Path) {
    let paper = page.with_extension("pdf");
    chromium(page, &["--no-pdf-header-footer", &format!("--print-to-pdf={}", paper.display())]);
    let run = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).current_dir(paper.parent().unwrap()).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    // A line a page and a word, each with its measures in points.
    let words = run("pdftotext", &["-bbox", "report.pdf", "-"]);
    let measure = |line: &str, name: &str| -> Option<f64> {
        line.split_once(&format!("{name}=\""))?.1.split('"').next()?.parse().ok()
    };
    let mut margin = 0.0;
    for line in words.lines() {
        if line.contains("<page ") {
            const MARGIN: f64 = 12.0 / 25.4 * 72.0;
            margin = measure(line, "width").unwrap() - MARGIN;
        } else if let Some(end) = measure(line, "xMax") {
            assert!(end <= margin + 1.0, "{line}");
        }
    }
    // Two CPUs one after another and both at once, two kinds of pages, five temperatures.
    let text = run("pdftotext", &["-layout", "report.pdf", "-"]);
    assert_eq!(text.matches("Per cent of the fastest primitive").count(), 30);
    run("pdftoppm", &["-r", "60", "-png", "report.pdf", "paper"]);
}

#[test]
#[ignore = "needs Chromium: .ci/pages"]
fn odd_reports_are_readable() {
    let all = sample::report();
    let of = |cells: &[clearpage_cli::report::Cell]| {
        let mut report = Report { cells: cells.to_vec(), ..sample::empty() };
        compare_to_envelope(&mut report.cells);
        report
    };
    let mut long = of(&all.cells[..340]);
    long.complete = false;
    long.machine.cpu = "An_uncommonly_long_name_without_a_place_to_break".repeat(3);
    long.cells
        .iter_mut()
        .for_each(|cell| cell.contender = format!("W{}", cell.contender.repeat(2)));
    let mut flat = of(&all.cells[..170]);
    flat.cells.iter_mut().for_each(|cell| cell.gb_per_s = 10.0);
    let mut many = all.clone();
    for cpu in 2..20 {
        let same =
            all.cells.iter().filter(|cell| cell.place.cpu == Some(1) && cell.place.size == 4096);
        many.cells.extend(same.cloned().map(|mut cell| {
            cell.place.cpu = Some(cpu);
            cell
        }));
    }
    let odd = [
        ("long", long),
        ("flat", flat),
        ("many", many),
        ("one", of(&all.cells[2..3])),
        ("empty", sample::empty()),
    ];
    for (name, report) in odd {
        let page = folder(name).join("page.html");
        std::fs::write(&page, html::html(&report)).unwrap();
        check_readable(&page, &[false]);
        screenshot(&page, "page.png", (1200, 4000), false);
    }
}

#[test]
#[ignore = "needs Chromium: .ci/pages"]
fn a_gallery_and_a_picture_alone_are_readable() {
    let report = sample::report();
    let folder = folder("gallery");
    let mut other = report.clone();
    other.machine.cpu = "Another CPU".to_owned();
    other.cells.retain(|cell| cell.place.temperature != clearpage_cli::report::Temperature::Use);
    let cards = [("./a".to_owned(), &report), ("./b".to_owned(), &other)];
    let page = folder.join("index.html");
    std::fs::write(&page, gallery::gallery(&cards)).unwrap();
    check_readable(&page, &[false, true]);
    screenshot(&page, "light.png", (1200, 2000), false);
    screenshot(&page, "dark.png", (1200, 2000), true);
    screenshot(&page, "narrow.png", (400, 3000), false);
    let picture = folder.join("charts.svg");
    std::fs::write(&picture, svg::svg(&report)).unwrap();
    screenshot(&picture, "charts.png", (1000, 3000), false);
    screenshot(&picture, "charts_dark.png", (1000, 3000), true);
}
