//! Charts show the figures of the report.

#[path = "common/figures.rs"]
mod figures;
#[path = "common/markup.rs"]
mod markup;
#[path = "common/report.rs"]
mod sample;

use clearpage_cli::render::{html, svg};
use clearpage_cli::report::{Report, Temperature};
use markup::{of, parse, points, text, with_class, with_name};
use roxmltree::Node;

#[test]
fn a_chart_has_a_point_for_every_figure_and_a_name_for_every_line() {
    let report = sample::report();
    for drawn in [svg::svg(&report), html::html(&report)] {
        let drawn = parse(&drawn);
        figures::check_points(&points(drawn.root_element()), &report);
        let names: Vec<_> = with_class(drawn.root_element(), "text", "name").map(text).collect();
        figures::check_names(&names, &report);
    }
}

#[test]
fn faster_is_higher_and_larger_is_further_right() {
    let mut report = of(&sample::report().cells[..34]);
    report.cells.retain(|cell| cell.contender == "stosb");
    let picture = svg::svg(&report);
    let picture = parse(&picture);
    let marks: Vec<(f64, f64)> = with_class(picture.root_element(), "circle", "point")
        .map(|mark| {
            let place = |name| mark.attribute(name).unwrap().parse().unwrap();
            (place("cx"), place("cy"))
        })
        .collect();
    let [first, second] = report.cells.as_slice() else { panic!("two sizes") };
    assert!(first.place.size < second.place.size && first.gb_per_s < second.gb_per_s);
    assert!(marks[0].0 < marks[1].0 && marks[0].1 > marks[1].1, "{marks:?}");
}

#[test]
fn bars_are_as_long_as_the_plan_is_fast() {
    let report = sample::report();
    let picture = svg::svg(&report);
    let picture = parse(&picture);
    let bars: Vec<(String, f64)> = with_class(picture.root_element(), "rect", "bar")
        .map(|bar| (text(bar).trim().to_owned(), bar.attribute("width").unwrap().parse().unwrap()))
        .collect();
    // Two CPUs, two kinds of pages, five temperatures, three sizes.
    assert_eq!(bars.len(), 2 * 2 * 5 * 3);
    for pair in bars.chunks(2) {
        let speed = |i: usize| -> f64 {
            let start = format!("CPU {i}, plan: ");
            pair[i].0.strip_prefix(&start).unwrap().strip_suffix(" GB/s").unwrap().parse().unwrap()
        };
        let (lengths, speeds) = (pair[0].1 / pair[1].1, speed(0) / speed(1));
        assert!((lengths / speeds - 1.0).abs() < 0.02, "{pair:?}");
    }
    let texts: Vec<_> = with_class(picture.root_element(), "text", "figure").map(text).collect();
    assert_eq!(texts.len(), bars.len());
    for cell in
        report.cells.iter().filter(|cell| cell.contender == "plan" && cell.place.cpu.is_some())
    {
        if ![4096, 1 << 20, 1 << 30].contains(&cell.place.size) {
            continue;
        }
        let best = cell.gb_per_s / cell.of_envelope.unwrap();
        let shown = |text: &String| {
            let (plan, fastest) = text.split_once(" of ").unwrap();
            figures::shows(plan, cell.gb_per_s, 3) && figures::shows(fastest, best, 3)
        };
        assert!(texts.iter().any(shown), "{cell:?}: {texts:?}");
    }
    let one_cpu = of(&report.cells[..340]);
    assert!(!svg::svg(&one_cpu).contains("class=\"bar"));
    assert!(!html::html(&one_cpu).contains("CPU by CPU"));
}

/// The axes of a chart: its lines and the labels of its levels.
fn axes(chart: Node<'_, '_>) -> Vec<String> {
    let lines = with_class(chart, "path", "grid").chain(with_class(chart, "path", "cache"));
    let lines = lines.map(|line| line.attribute("d").unwrap().to_owned());
    let levels = with_class(chart, "text", "soft");
    let levels = levels.filter(|text| text.attribute("class") == Some("soft end")).map(text);
    lines.chain(levels).collect()
}

#[test]
fn all_charts_of_a_report_have_the_same_axes() {
    let mut report = sample::report();
    // Other sizes and speeds than the rest.
    report
        .cells
        .retain(|cell| cell.place.temperature != Temperature::Fault || cell.place.size == 1 << 20);
    let page = html::html(&report);
    let page = parse(&page);
    let charts = with_class(page.root_element(), "svg", "chart");
    let charts: Vec<_> = charts.filter(|chart| !points(*chart)[0].ends_with("memset")).collect();
    assert_eq!(charts.len(), 30);
    let first = axes(charts[0]);
    assert!(first.len() > 10, "{first:?}");
    for chart in charts {
        assert_eq!(axes(chart), first);
    }
}

#[test]
fn the_legend_names_every_contender() {
    let report = sample::report();
    for drawn in [svg::svg(&report), html::html(&report)] {
        let drawn = parse(&drawn);
        let legend =
            with_class(drawn.root_element(), "ul", "legend").flat_map(|list| with_name(list, "li"));
        let lines: Vec<_> =
            legend.chain(with_class(drawn.root_element(), "text", "soft")).map(text).collect();
        for cell in &report.cells {
            let names = |line: &String| {
                let names = line.split_once(": ").map_or("", |(_, names)| names);
                names.split(", ").any(|name| name == cell.contender)
            };
            assert!(lines.iter().any(names), "{}: {lines:?}", cell.contender);
        }
    }
}

/// Every emphasised line, and no other, has a band around it: as far as the deviation of its points.
#[test]
fn the_band_of_a_line_is_as_wide_as_the_deviation() {
    let height = |deviation: f64| {
        let mut report = of(&sample::report().cells[..340]);
        report.cells.iter_mut().for_each(|cell| cell.ns_mad = deviation * cell.ns);
        let picture = svg::svg(&report);
        let picture = parse(&picture);
        let bands: Vec<_> = with_class(picture.root_element(), "path", "band").collect();
        for band in &bands {
            let class = band.attribute("class").unwrap();
            assert!(["clearpage", "memset", "perpage"].contains(&&class[5..]), "{class}");
        }
        let outline = bands.last().unwrap().attribute("d").unwrap();
        let points = outline.trim_matches(['M', 'Z']).split('L');
        let heights: Vec<f64> =
            points.map(|point| point.split_once(' ').unwrap().1.parse().unwrap()).collect();
        // Above the line, then back below it.
        heights[heights.len() - 1] - heights[0]
    };
    let (none, little, much) = (height(0.0), height(0.05), height(0.2));
    assert!(
        none.abs() < 0.2 && none + 1.0 < little && 2.0 * little < much,
        "{none} {little} {much}"
    );
}

#[test]
fn a_picture_names_the_machine_and_the_version() {
    let report: Report = sample::report();
    let picture = svg::svg(&report);
    let picture = parse(&picture);
    let lines: Vec<_> = with_name(picture.root_element(), "text").take(2).map(text).collect();
    assert_eq!(lines[0], "Clearing memory on Example CPU 9000 with 2 Cores, Example 9");
    for fact in ["family 26, model 2", "KVM", "Linux 6.12.0", "clearpage 0.1.0", "2026-01-01"] {
        assert!(lines[1].contains(fact), "{fact}: {lines:?}");
    }
}
