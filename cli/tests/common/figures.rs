//! Compares what a page shows with what was measured.

#![allow(dead_code, reason = "not every test file needs all of it")]

use clearpage_cli::harness::units::parse_size;
use clearpage_cli::report::Report;
use clearpage_cli::report::group::{groups, main_cpu};

/// Returns whether `text` is `value` with the given number of digits.
pub fn shows(text: &str, value: f64, digits: i32) -> bool {
    let Ok(shown) = text.parse::<f64>() else { return false };
    let unit = 10_f64.powi(value.abs().log10().floor() as i32 + 1 - digits);
    (shown - value).abs() <= 0.5001 * unit
}

/// The rows of the tables of all figures, without their heads, are `report`'s cells.
pub fn check_tables(rows: &[Vec<String>], report: &Report) {
    assert_eq!(rows.len(), report.cells.len());
    let cells = groups(report).into_iter().flat_map(|(_, cells)| cells);
    for (row, cell) in rows.iter().zip(cells) {
        let mark = if cell.planned { "*" } else { "" };
        assert_eq!(row[0], format!("{}{mark}", cell.contender));
        assert_eq!(parse_size(&row[1]), Ok(cell.place.size as u64));
        let figures = [cell.gb_per_s, cell.ns, cell.ns_mad, cell.ns_per_page];
        let cycles = cell.tsc_cycles_per_page.into_iter();
        for (text, value) in row[2..7].iter().zip(figures.into_iter().chain(cycles)) {
            assert!(shows(text, value, 4), "{text}: {value} of {cell:?}");
        }
        check_ratio(&row[7], cell.of_envelope);
        assert_eq!(row[8], cell.samples.to_string());
    }
}

/// A whole per cent.
pub fn check_ratio(text: &str, ratio: Option<f64>) {
    let shown: f64 = text.trim_end_matches('*').parse().unwrap();
    assert!(ratio.is_some_and(|ratio| (shown - 100.0 * ratio).abs() <= 0.5), "{text}: {ratio:?}");
}

/// The fields of the heat maps, each row with its heading, are `report`'s ratios, in the order of
/// the page: the main CPU's and those of several at once, then the other CPUs'.
pub fn check_heat_maps(maps: &[Vec<Vec<String>>], report: &Report) {
    let main = main_cpu(report);
    let (first, others): (Vec<_>, Vec<_>) =
        groups(report).into_iter().partition(|(group, _)| group.cpu.is_none() || group.cpu == main);
    assert_eq!(maps.len(), first.len() + others.len());
    for (map, (_, cells)) in maps.iter().zip(first.into_iter().chain(others)) {
        let (head, rows) = map.split_first().unwrap();
        for row in rows {
            for (size, field) in head.iter().zip(row).skip(1) {
                let size = parse_size(&size.replace('\n', " ")).unwrap();
                let found = cells
                    .iter()
                    .find(|cell| cell.contender == row[0] && cell.place.size as u64 == size);
                let cell = found.unwrap_or_else(|| panic!("{} {size}", row[0]));
                assert_eq!(field.ends_with('*'), cell.planned, "{field}: {cell:?}");
                check_ratio(field, cell.of_envelope);
            }
        }
        assert_eq!(rows.iter().map(|row| row.len() - 1).sum::<usize>(), cells.len());
    }
}

/// The titles of the points of all charts of throughput are `report`'s cells.
pub fn check_points(titles: &[String], report: &Report) {
    let titles: Vec<_> = titles.iter().filter(|title| title.ends_with(" GB/s")).collect();
    assert_eq!(titles.len(), report.cells.len());
    for cell in &report.cells {
        let size = clearpage_cli::harness::units::format_size(cell.place.size as u64);
        let start = format!("{}, {size}: ", cell.contender);
        let figure = |title: &&String| {
            let figure = title.strip_prefix(&start)?.strip_suffix(" GB/s")?;
            shows(figure, cell.gb_per_s, 3).then_some(())
        };
        assert!(titles.iter().any(|title| figure(title).is_some()), "{start}{}", cell.gb_per_s);
    }
}

/// Each chart names the families of its lines: one for each group, and two that compare with `memset`.
pub fn check_names(names: &[String], report: &Report) {
    let families = [
        "clearpage",
        "memset",
        "one call a page",
        "non-temporal",
        "cache block",
        "temporal",
        "other calls",
    ];
    for family in families {
        let count = names.iter().filter(|name| *name == family).count();
        assert_eq!(count, groups(report).len() + 2, "{family}");
    }
    assert_eq!(names.len(), families.len() * (groups(report).len() + 2));
}
