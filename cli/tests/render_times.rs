//! The first picture of a report compares clearpage with `memset` and with one call a page.

#[path = "common/markup.rs"]
mod markup;
#[path = "common/report.rs"]
mod sample;

use std::path::Path;

use clearpage_cli::render::{gallery, html, svg};
use clearpage_cli::report::load::load;
use clearpage_cli::report::{Backing, Report, Temperature};
use markup::{comparisons, parse, points, rows, text, with_class, with_name};
use roxmltree::Node;

fn result(name: &str) -> Report {
    load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../results").join(name)).unwrap()
}

fn number(node: Node<'_, '_>, attribute: &str) -> f64 {
    node.attribute(attribute).unwrap().parse().unwrap()
}

#[test]
fn the_first_charts_of_a_page_and_a_picture_are_hot_and_cold_against_memset() {
    let report = sample::report();
    for (drawn, name) in [(html::html(&report), "svg"), (svg::svg(&report), "g")] {
        let drawn = parse(&drawn);
        let charts = drawn.descendants().filter(|node| node.tag_name().name() == name);
        let charts =
            charts.filter(|node| node.children().any(|node| node.tag_name().name() == "desc"));
        let titles: Vec<_> =
            charts.map(|chart| text(with_name(chart, "title").next().unwrap())).collect();
        assert_eq!(titles[0], "Hot: times as fast as memset (thp, CPU 0)");
        assert_eq!(titles[1], "Cold: times as fast as memset (thp, CPU 0)");
        assert!(titles[2..].iter().all(|title| !title.contains("memset")), "{titles:?}");
    }
}

#[test]
fn the_points_are_the_ratios_of_the_report() {
    let report = sample::report();
    let page = html::html(&report);
    let page = parse(&page);
    let charts = comparisons(page.root_element());
    assert_eq!(charts.len(), 2);
    for (chart, temperature) in charts.into_iter().zip([Temperature::Hot, Temperature::Cold]) {
        let titles = points(chart);
        let cells: Vec<_> = report
            .cells
            .iter()
            .filter(|cell| {
                let place = cell.place;
                (place.cpu, place.backing, place.temperature)
                    == (Some(0), Backing::Thp, temperature)
            })
            .collect();
        let of = |contender: &str, size: usize| {
            let found = cells.iter().find(|c| c.contender == contender && c.place.size == size);
            found.unwrap().ns
        };
        let others: Vec<_> = cells.iter().filter(|cell| cell.contender != "libc memset").collect();
        assert_eq!(titles.len(), others.len());
        for cell in others {
            let ratio = of("libc memset", cell.place.size) / cell.ns;
            let size = clearpage_cli::harness::units::format_size(cell.place.size as u64);
            let start = format!("{}, {size}: ", cell.contender);
            let shown = titles.iter().find_map(|title| {
                title.strip_prefix(&start)?.strip_suffix(" times memset")?.parse::<f64>().ok()
            });
            assert!((shown.unwrap() / ratio - 1.0).abs() < 0.05, "{start}{shown:?} of {ratio}");
        }
        // Below the sizes: as many times as fast as memset, and as one call a page.
        let values: Vec<f64> =
            with_class(chart, "text", "value").map(|value| text(value).parse().unwrap()).collect();
        let sizes: Vec<usize> = (0..10).rev().map(|step| 4096 << (2 * step)).collect();
        let ratios = sizes.iter().flat_map(|&size| {
            ["libc memset", "stosb a page"].map(|other| of(other, size) / of("plan", size))
        });
        let ratios: Vec<f64> = ratios.collect();
        assert_eq!(values.len(), ratios.len());
        for (value, ratio) in values.iter().zip(&ratios) {
            assert!((value / ratio - 1.0).abs() < 0.05, "{values:?} of {ratios:?}");
        }
    }
}

#[test]
fn the_line_of_memset_is_at_one_and_bolder_than_the_grid() {
    let picture = svg::svg(&sample::report());
    let picture = parse(&picture);
    for chart in comparisons(picture.root_element()) {
        let lines: Vec<_> = with_class(chart, "path", "one").collect();
        assert_eq!(lines.len(), 1);
        let line = lines[0].attribute("d").unwrap();
        let at: f64 = line.split([' ', 'H']).nth(1).unwrap().parse().unwrap();
        let label = with_class(chart, "text", "end").find(|label| text(*label) == "1×").unwrap();
        assert!((number(label, "y") - 4.0 - at).abs() < 0.1, "{line}");
    }
    let style = text(with_name(picture.root_element(), "style").next().unwrap());
    assert!(style.contains(".line.one { --c: var(--ink); stroke-width: 2.5; }"));
}

#[test]
fn each_cache_is_a_labelled_line_at_its_size() {
    let mut report = sample::report();
    // Sizes of the axis, so that a tick is at the same place.
    (report.machine.facts.l1d, report.machine.facts.l2) = (64 << 10, 1 << 20);
    report.machine.facts.l3 = 0;
    let picture = svg::svg(&report);
    let picture = parse(&picture);
    for chart in comparisons(picture.root_element()) {
        let lines: Vec<String> = with_class(chart, "path", "cache")
            .map(|line| line.attribute("d").unwrap()[1..].split(' ').next().unwrap().to_owned())
            .collect();
        let place = |number: &str, unit: &str| {
            let labels: Vec<_> = with_class(chart, "text", "middle").collect();
            let pair = labels
                .windows(2)
                .find(|pair| text(pair[0]) == number && text(pair[1]) == unit)
                .unwrap();
            pair[0].attribute("x").unwrap().to_owned()
        };
        assert_eq!(lines, [place("64", "KiB"), place("1", "MiB")]);
        let labels: Vec<_> = with_class(chart, "text", "middle").map(text).collect();
        for label in ["L1d 64 KiB", "L2 1 MiB"] {
            assert!(labels.iter().any(|text| text == label), "{labels:?}");
        }
        assert!(!labels.iter().any(|text| text.starts_with("L3")));
    }
}

/// The place of each level, and of each size that both reports have.
fn axes(chart: Node<'_, '_>) -> Vec<(String, String)> {
    let levels = with_class(chart, "text", "end");
    let levels = levels.map(|label| (text(label), label.attribute("y").unwrap().to_owned()));
    let sizes = points(chart)
        .into_iter()
        .filter_map(|title| Some(title.strip_prefix("stosb, ")?.split_once(':')?.0.to_owned()));
    let stosb =
        with_class(chart, "circle", "point").filter(|point| text(*point).starts_with("stosb, "));
    let stosb = stosb.map(|point| point.attribute("cx").unwrap().to_owned());
    let shared = ["4 KiB", "1 MiB", "256 MiB"];
    let sizes = sizes.zip(stosb).filter(|(size, _)| shared.contains(&&**size));
    levels.chain(sizes).collect()
}

#[test]
fn the_axes_of_two_reports_agree() {
    let reports = ["amd-epyc-zen5-kvm.json", "intel-xeon-emerald-rapids-kvm.json"].map(result);
    let sizes = reports.each_ref().map(|report| report.cells.iter().map(|c| c.place.size).max());
    assert_ne!(sizes[0], sizes[1]);
    let [first, second] = reports.map(|report| {
        let picture = svg::svg(&report);
        let picture = parse(&picture);
        let charts = comparisons(picture.root_element());
        assert_eq!((charts.len(), axes(charts[0])), (2, axes(charts[1])));
        axes(charts[0])
    });
    assert!(first.len() > 8, "{first:?}");
    assert_eq!(first, second);
}

#[test]
fn the_axes_of_a_gallery_hold_the_extremes_of_every_report() {
    let report = sample::report();
    let mut fast = sample::report();
    let plan = |cell: &&mut clearpage_cli::report::Cell| cell.contender == "plan";
    fast.cells.iter_mut().filter(plan).for_each(|cell| cell.ns /= 20.0);
    let cards = [("./a".to_owned(), &report), ("./b".to_owned(), &fast)];
    for drawn in [gallery::gallery(&cards), svg::overview(&cards)] {
        let drawn = parse(&drawn);
        let charts = comparisons(drawn.root_element());
        assert_eq!(charts.len(), 4);
        for chart in &charts {
            assert_eq!(axes(*chart), axes(charts[0]));
            assert!(axes(*chart).iter().any(|(level, _)| level == "16×"));
        }
    }
}

#[test]
fn without_memset_or_the_plan_there_is_no_comparison() {
    for missing in ["libc memset", "plan"] {
        let mut report = sample::report();
        report.cells.retain(|cell| cell.contender != missing);
        let page = html::html(&report);
        assert_eq!(comparisons(parse(&page).root_element()).len(), 0);
        assert!(!page.contains("times as fast as"));
    }
    let mut report = sample::report();
    report.cells.retain(|cell| !cell.contender.ends_with(" a page"));
    let page = html::html(&report);
    assert_eq!(comparisons(parse(&page).root_element()).len(), 2);
    assert!(!page.contains("× a page"));
}

/// By the mean width of letters in DejaVu Sans, which is wider than most fonts.
#[test]
fn no_text_is_outside_of_its_picture() {
    let results =
        ["amd-epyc-zen4-kvm.json", "amd-epyc-zen5-kvm.json", "intel-xeon-emerald-rapids-kvm.json"];
    let reports = results.into_iter().map(|name| (name, result(name)));
    let reports: Vec<_> = reports.chain(markup::reports()).collect();
    for (name, report) in &reports {
        let page = html::html(report);
        let page = parse(&page);
        let charts = with_class(page.root_element(), "svg", "chart");
        for chart in charts {
            let view = chart.attribute("viewBox").unwrap().split(' ').map(|n| n.parse().unwrap());
            let view: Vec<f64> = view.collect();
            for line in with_name(chart, "text") {
                let class = line.attribute("class").unwrap();
                let bold = class.starts_with("name") && !class.contains("rest");
                let letter = if bold { 7.0 } else { 6.6 };
                let wide = text(line).chars().count() as f64 * letter;
                let before = match class {
                    _ if class.ends_with(" end") => wide,
                    _ if class.ends_with(" middle") => wide / 2.0,
                    _ => 0.0,
                };
                let (left, y) = (number(line, "x") - before, number(line, "y"));
                let inside = left >= 0.0 && left + wide <= view[2] && (8.0..view[3]).contains(&y);
                assert!(inside, "{name}: {:?} at {left}, {y} in {view:?}", text(line));
            }
        }
    }
}

#[test]
fn the_verdict_names_tune_only_where_the_plan_is_bad() {
    let mut report = sample::report();
    let verdict = |report: &Report| {
        let page = html::html(report);
        let page = parse(&page);
        let verdict = with_class(page.root_element(), "p", "verdict").next().unwrap();
        (verdict.attribute("class").unwrap().to_owned(), text(verdict))
    };
    for (share, class) in [(0.97, "verdict good"), (0.7, "verdict poor")] {
        report.cells.iter_mut().for_each(|cell| cell.of_envelope = Some(share));
        let (found, text) = verdict(&report);
        assert_eq!(found, class);
        assert_eq!(text.contains("clearpage tune"), share < 0.9, "{text}");
        assert!(text.starts_with("Hot: ") && text.contains("times as fast as memset"), "{text}");
    }
}

#[test]
fn the_table_across_machines_has_their_extremes() {
    let reports = ["amd-epyc-zen5-kvm.json", "intel-xeon-emerald-rapids-kvm.json"].map(result);
    let cards = [("./a".to_owned(), &reports[0]), ("./b".to_owned(), &reports[1])];
    let page = gallery::gallery(&cards);
    let page = parse(&page);
    let table = with_class(page.root_element(), "table", "machines").next().unwrap();
    let rows = rows(table);
    assert_eq!(rows.len(), 3);
    for (row, report) in rows[1..].iter().zip(&reports) {
        let cells = |contender: &str, temperature: Temperature| {
            let cells = report.cells.iter().filter(move |cell| {
                cell.contender == contender && cell.place.temperature == temperature
            });
            cells.map(|cell| (cell.gb_per_s, cell.ns)).collect::<Vec<_>>()
        };
        assert_eq!(row[1], report.machine.cpus.to_string());
        for (column, temperature) in [(2, Temperature::Hot), (3, Temperature::Cold)] {
            let plan = cells("plan", temperature);
            let peak = plan.iter().map(|figure| figure.0).fold(0.0, f64::max);
            assert!((row[column].parse::<f64>().unwrap() / peak - 1.0).abs() < 0.01, "{row:?}");
            let ratios = cells("libc memset", temperature).into_iter().zip(plan);
            let most = ratios.map(|(memset, plan)| memset.1 / plan.1).fold(0.0, f64::max);
            let shown = row[column + 2].split_once(" to ").unwrap().1;
            assert!((shown.parse::<f64>().unwrap() / most - 1.0).abs() < 0.05, "{row:?}");
        }
        assert!(row[6].parse::<u32>().unwrap() > row[7].parse().unwrap(), "{row:?}");
    }
}

#[test]
fn titles_of_machines_differ_and_do_not_repeat_the_vendor() {
    let (zen4, zen5) = (result("amd-epyc-zen4-kvm.json"), result("amd-epyc-zen5-kvm.json"));
    let cards = [&zen4, &zen5, &zen5].map(|report| (format!("./{}", report.cells.len()), report));
    let cards = [&cards[0..2], &[("./again".to_owned(), cards[2].1)]].concat();
    let page = gallery::gallery(&cards);
    let page = parse(&page);
    let titles: Vec<_> = with_name(page.root_element(), "h2").map(text).collect();
    assert_eq!(titles, ["AMD EPYC, Zen 4", "AMD EPYC, Zen 5 (800)", "AMD EPYC, Zen 5 (again)"]);
}
