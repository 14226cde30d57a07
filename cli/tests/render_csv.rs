//! The figures of a report as comma-separated values.

#[path = "common/report.rs"]
mod sample;

use clearpage_cli::render::csv;

#[test]
fn the_csv_has_the_exact_figures() {
    let mut report = sample::report();
    report.cells[0].contender = "a \"b\", c\nd".to_owned();
    report.cells[1].tsc_cycles_per_page = None;
    let text = csv::csv(&report);
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let mut reader = reader.into_records();
    for cell in &report.cells {
        let row = reader.next().unwrap().unwrap();
        let number = |column: &str| {
            let field = &row[header.iter().position(|name| name == column).unwrap()];
            field.parse::<f64>().ok()
        };
        assert_eq!(row[0], cell.contender);
        assert_eq!(row[1].parse().ok(), cell.place.cpu);
        assert_eq!((&row[3], &row[4]), (cell.place.backing.name(), cell.place.temperature.name()));
        assert_eq!((&row[6], &row[7]), (&*cell.primitive.to_string(), &*cell.planned.to_string()));
        assert_eq!(number("threads"), Some(cell.place.threads as f64));
        assert_eq!(number("size"), Some(cell.place.size as f64));
        assert_eq!(number("ns"), Some(cell.ns));
        assert_eq!(number("ns_mad"), Some(cell.ns_mad));
        assert_eq!(number("gb_per_s"), Some(cell.gb_per_s));
        assert_eq!(number("ns_per_page"), Some(cell.ns_per_page));
        assert_eq!(number("tsc_cycles_per_page"), cell.tsc_cycles_per_page);
        assert_eq!(number("of_envelope"), cell.of_envelope);
        assert_eq!(number("samples"), Some(cell.samples as f64));
    }
    assert!(reader.next().is_none());
}

/// `-1.5` as a name is a formula too: only columns of numbers may begin so.
#[test]
fn names_that_look_like_formulas_are_quoted() {
    let formulas = [
        "=HYPERLINK(\"http://x\")",
        "+1",
        "-1.5",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "＝1",
        "＋1",
        "－1",
        "＠x",
    ];
    let mut report = sample::report();
    report.cells.truncate(formulas.len() + 1);
    for (cell, name) in report.cells.iter_mut().zip(formulas) {
        cell.contender = name.to_owned();
        (cell.gb_per_s, cell.ns_per_page) = (-1.5, -2e-7);
    }
    report.cells[formulas.len()].contender = "a=b".to_owned();
    let text = csv::csv(&report);
    let mut rows = ::csv::Reader::from_reader(text.as_bytes()).into_records();
    for name in formulas {
        let row = rows.next().unwrap().unwrap();
        assert_eq!(row[0], format!("'{name}"));
        assert_eq!((&row[10], &row[11]), ("-1.5", "-0.0000002"));
    }
    assert_eq!(&rows.next().unwrap().unwrap()[0], "a=b");
    assert!(text.contains("\n\"'=HYPERLINK(\"\"http://x\"\")\","), "{text}");
}
