//! An untrusted report: read, drawn in every format, compared and judged. Nothing panics, what is
//! written grows no faster than the table of its figures, nothing in it can reach out of its element
//! of a page, and no control character reaches a terminal.
#![no_main]

use std::collections::{HashMap, HashSet};
use std::ffi::CString;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::LazyLock;

use clearpage_cli::compare::{self, Compare};
use clearpage_cli::format::Formatted;
use clearpage_cli::judge::{self, Judge, Judgement};
use clearpage_cli::render::{csv, gallery, html, svg};
use clearpage_cli::report::load::load;
use clearpage_cli::report::{Place, Report};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

#[path = "report/json.rs"]
mod json;
#[path = "report/markup.rs"]
mod markup;

/// A file in memory, which has a path.
struct Scratch(File);

impl Scratch {
    fn new(name: &str) -> Self {
        let name = CString::new(name).expect("no zero in it");
        let file = rustix::fs::memfd_create(&*name, rustix::fs::MemfdFlags::empty());
        Self(file.expect("memory").into())
    }

    fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.0.as_raw_fd()).into()
    }

    fn write(&self, bytes: &[u8]) {
        self.0.set_len(bytes.len() as u64).expect("memory");
        self.0.write_all_at(bytes, 0).expect("memory");
    }
}

/// What the input is compared with.
static OTHER: LazyLock<Scratch> = LazyLock::new(|| {
    let other = Scratch::new("other");
    other.write(include_bytes!("../seeds/report/schema_3.json"));
    other
});
static INPUT: LazyLock<Scratch> = LazyLock::new(|| Scratch::new("input"));

fuzz_target!(|input: &[u8]| {
    INPUT.write(input);
    let path = INPUT.path();
    let report = match load(&path) {
        Ok(report) => report,
        Err(error) => return bounded("error", &error.to_string(), input.len(), 0),
    };
    let figures = figures(&report);
    draw(&report, input.len(), figures);
    for any_machine in [false, true] {
        for (before, after) in [(&path, OTHER.path()), (&OTHER.path(), path.clone())] {
            let before = before.clone();
            let formatted = Formatted::default();
            let args = Compare { before, after, threshold: 0.05, any_machine, formatted };
            match compare::run(&args) {
                Ok((text, _)) => plain(&text, input.len(), figures),
                Err(error) => bounded("error", &error.to_string(), input.len(), figures),
            }
        }
    }
    for floor in [0.0, 0.9, 1.0] {
        // Without a place to judge there is nothing but an error.
        if !Judgement::of(&report, floor).places.is_empty() {
            let formatted = Formatted::default();
            let args = Judge { reports: vec![path.clone()], floor, mean: floor, formatted };
            plain(&judge::run(&args).0, input.len(), figures);
        }
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    json::mutate(data, size, max_size, seed)
});

/// Places in the tables that a report becomes: a row a contender, a column a size. A long name counts
/// more than once.
fn figures(report: &Report) -> usize {
    let mut tables: HashMap<Place, (HashSet<&str>, HashSet<usize>)> = HashMap::new();
    for cell in &report.cells {
        let (names, sizes) = tables.entry(Place { size: 0, ..cell.place }).or_default();
        names.insert(&cell.contender);
        sizes.insert(cell.place.size);
    }
    let weight =
        |names: &HashSet<&str>| names.iter().map(|name| 1 + name.len() / 32).sum::<usize>();
    tables.values().map(|(names, sizes)| weight(names) * (1 + sizes.len())).sum()
}

fn draw(report: &Report, len: usize, figures: usize) {
    let pages = [
        ("SVG", svg::svg(report)),
        ("HTML", html::html(report)),
        ("gallery", gallery::gallery(&[("./a".to_owned(), report)])),
    ];
    for (name, text) in &pages {
        bounded(name, text, len, figures);
        markup::check(text);
    }
    let text = csv::csv(report);
    bounded("CSV", &text, len, figures);
    let rows =
        ::csv::Reader::from_reader(text.as_bytes()).into_records().map(Result::unwrap).count();
    assert_eq!(rows, report.cells.len(), "CSV: {text}");
}

/// Text for a terminal. (Errors are escaped where the tool prints them.)
fn plain(text: &str, len: usize, figures: usize) {
    bounded("text", text, len, figures);
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "control character: {text:?}");
}

fn bounded(what: &str, text: &str, len: usize, figures: usize) {
    let limit = (64 << 10) + 64 * len + 512 * figures;
    assert!(text.len() <= limit, "{what}: {} bytes of {len}, {figures} figures", text.len());
}
