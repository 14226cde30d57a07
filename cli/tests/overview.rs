//! `clearpage` without a command: one screen.

#[path = "common/report.rs"]
mod sample;
mod tool;

use clearpage_cli::overview::screen::{Screen, text};
use clearpage_cli::report::{Backing, MEMSET, Report, Temperature, compare_to_envelope};
use tool::{command, stdout};

const SIZES: [usize; 5] = [4 << 10, 64 << 10, 1 << 20, 16 << 20, 256 << 20];

/// A report of what the overview measures.
fn report() -> Report {
    let mut report = sample::report();
    report.cells.retain(|cell| {
        let place = cell.place;
        place.cpu == Some(0)
            && place.backing == Backing::Thp
            && [Temperature::Hot, Temperature::Cold].contains(&place.temperature)
            && SIZES.contains(&place.size)
    });
    report
}

/// Changes the time of the plan at one place.
fn with_plan(temperature: Temperature, size: usize, change: impl Fn(f64) -> f64) -> Report {
    let mut report = report();
    let plan = report.cells.iter_mut().find(|cell| {
        cell.contender == "plan" && (cell.place.temperature, cell.place.size) == (temperature, size)
    });
    let plan = plan.unwrap();
    plan.gb_per_s /= change(plan.ns) / plan.ns;
    plan.ns = change(plan.ns);
    // It runs a primitive that is not the fastest.
    report.cells.iter_mut().for_each(|cell| cell.planned = false);
    compare_to_envelope(&mut report.cells);
    report
}

fn screen(columns: usize) -> Screen {
    Screen { columns, blocks: true, colours: false }
}

/// The rows of a text: their words, without bars.
fn rows(text: &str) -> Vec<Vec<String>> {
    let bar = |word: &&str| !word.chars().all(|c| "#█▏▎▍▌▋▊▉".contains(c));
    let rows = text.lines().filter(|line| line.split_whitespace().any(is_ratio));
    let rows = rows.map(|row| row.split_whitespace().filter(bar).map(str::to_owned).collect());
    rows.filter(|row: &Vec<_>| row.len() >= 7).collect()
}

fn is_ratio(word: &str) -> bool {
    word.strip_suffix('x').is_some_and(|ratio| ratio.parse::<f64>().is_ok())
}

#[test]
fn it_fits_a_screen_of_60_columns_or_more_and_40_lines() {
    let mut interrupted = report();
    interrupted.cells.truncate(100);
    for report in [report(), interrupted, with_plan(Temperature::Cold, SIZES[1], |ns| 2.0 * ns)] {
        for (columns, most) in [(60, 60), (61, 61), (72, 72), (80, 80), (100, 80), (300, 80)] {
            let text = text(&report, screen(columns));
            assert!(text.lines().count() <= 40, "{text}");
            for line in text.lines() {
                assert!(line.chars().count() <= most, "{columns}: {line:?}");
            }
        }
    }
}

#[test]
fn words_are_not_broken_in_60_columns() {
    let words = |columns| -> Vec<String> {
        let text = text(&report(), screen(columns));
        let words = text.split_whitespace().filter(|word| word.is_ascii());
        words.map(str::to_owned).collect()
    };
    assert_eq!(words(60), words(80));
}

#[test]
fn it_has_a_row_for_each_size_and_temperature() {
    let text = text(&report(), screen(80));
    let rows = rows(&text);
    let sizes = ["4 KiB", "64 KiB", "1 MiB", "16 MiB", "256 MiB"];
    assert_eq!(rows.len(), 2 * sizes.len(), "{text}");
    for (row, size) in rows.iter().zip(sizes.iter().chain(&sizes)) {
        assert_eq!(format!("{} {}", row[0], row[1]), *size, "{text}");
    }
    for words in ["Example 9000", "Example 9", "L2 1 MiB", "hot", "cold", "memset", "glibc 2.36"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    for command in ["clearpage tune --output", "clearpage bench", "clearpage --help"] {
        assert!(text.contains(command), "{command}: {text}");
    }
}

#[test]
fn a_ratio_is_that_of_the_two_figures_beside_it() {
    let rows = rows(&text(&report(), screen(80)));
    assert!(!rows.is_empty());
    for row in rows {
        let [plan, memset] = [&row[2], &row[3]].map(|figure| figure.parse::<f64>().unwrap());
        assert_eq!(row[4], format!("{:.2}x", plan / memset), "{row:?}");
    }
}

#[test]
fn a_faster_primitive_is_named_and_marked() {
    let (hot, cold) = (Temperature::Hot, Temperature::Cold);
    let marked = |temperature, size, slowdown, mark: &str| {
        let text = text(&with_plan(temperature, size, |ns| slowdown * ns), screen(80));
        let row = if temperature == hot { 0 } else { SIZES.len() };
        let row = &rows(&text)[row + SIZES.iter().position(|&known| known == size).unwrap()];
        assert_eq!(row.last().unwrap(), mark, "{text}");
        assert!(text.contains(&format!("\n{mark}  Another primitive")), "{text}");
    };
    marked(cold, 64 << 10, 1.5, "<");
    marked(hot, 64 << 10, 2.5, "<");
    // Past the second-level cache, only use judges.
    marked(hot, 16 << 20, 4.0, "~");
    let is_marked = |report: &Report| rows(&text(report, screen(80)))[SIZES.len() + 1].len() > 7;
    assert!(!is_marked(&with_plan(cold, 64 << 10, |ns| 0.5 * ns)));
    // If the plan runs the fastest primitive, the difference is noise.
    let mut planned = with_plan(cold, 64 << 10, |ns| 1.5 * ns);
    assert!(is_marked(&planned));
    planned.cells.iter_mut().for_each(|cell| cell.planned = cell.contender == "clzero");
    assert!(!is_marked(&planned));
}

#[test]
fn the_verdict_has_the_least_and_the_largest_ratio() {
    let slow = with_plan(Temperature::Cold, 1 << 20, |ns| 10.0 * ns);
    let text = text(&slow, screen(80));
    let ratio = &rows(&text)[SIZES.len() + 2][4];
    let least = format!("clearpage is {} (cold 1 MiB) to ", ratio.trim_end_matches('x'));
    assert!(text.contains(&least), "{least}: {text}");
    assert!(text.contains("at the least (cold 1"), "{text}");
}

#[test]
fn a_report_without_figures_says_so() {
    let mut none = report();
    none.cells.retain(|cell| cell.contender != MEMSET);
    assert!(text(&none, screen(80)).contains("Nothing was measured."));
    assert!(text(&sample::empty(), screen(80)).contains("Nothing was measured."));
}

#[test]
fn colours_and_blocks_are_used_only_if_the_screen_has_them() {
    let plain = text(&report(), Screen { columns: 80, blocks: false, colours: false });
    assert!(plain.is_ascii() && !plain.contains('\u{1b}'), "{plain}");
    assert!(plain.contains(" ####"), "{plain}");
    assert!(text(&report(), screen(80)).contains('█'));
    assert!(!text(&report(), screen(60)).contains('█'));
    let coloured = text(&report(), Screen { columns: 80, blocks: true, colours: true });
    assert!(coloured.contains("\u{1b}["));
}

/// Measures.
#[test]
fn without_a_terminal_it_is_plain_text() {
    let mut clearpage = command(&[]);
    let output = clearpage.env("TERM", "dumb").env("COLUMNS", "80").output().unwrap();
    assert!(output.stderr.is_empty(), "no progress without a terminal: {output:?}");
    let text = stdout(&output);
    assert!(text.is_ascii() && !text.contains('\u{1b}'), "{text}");
    assert!(text.lines().count() <= 40 && text.lines().all(|line| line.len() <= 80), "{text}");
    assert!(!rows(&text).is_empty() && text.contains("times as fast as memset"), "{text}");
}

/// Measures twice, at once: a measurement takes seconds.
#[cfg(target_os = "linux")]
#[test]
fn colours_are_used_on_a_terminal_but_not_under_no_color() {
    use tool::terminal::on_terminal;

    let check = |coloured: bool| {
        let mut clearpage = command(&[]);
        clearpage.env("TERM", "xterm").env_remove("NO_COLOR").env_remove("CLICOLOR");
        if !coloured {
            clearpage.env("NO_COLOR", "1");
        }
        let text = on_terminal(&mut clearpage, 80);
        assert_eq!(text.contains('\u{1b}'), coloured, "{text:?}");
        assert!(text.contains('█') && text.contains("times as fast as memset"), "{text}");
    };
    std::thread::scope(|scope| {
        scope.spawn(|| check(true));
        check(false);
    });
}
