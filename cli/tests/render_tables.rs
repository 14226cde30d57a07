//! The tables of a page have the figures of the report.

#[path = "common/figures.rs"]
mod figures;
#[path = "common/markup.rs"]
mod markup;
#[path = "common/report.rs"]
mod sample;

use clearpage_cli::harness::units::format_size;
use clearpage_cli::render::html;
use clearpage_cli::report::{Backing, Cell};
use markup::{parse, rows, text, with_class, with_name};
use roxmltree::Node;

#[test]
fn every_figure_is_in_the_tables() {
    let report = sample::report();
    let page = html::html(&report);
    let page = parse(&page);
    let tables = with_class(page.root_element(), "table", "figures").map(rows);
    let rows: Vec<_> = tables.flat_map(|rows| rows.into_iter().skip(1)).collect();
    figures::check_tables(&rows, &report);
}

#[test]
fn the_heat_map_has_every_ratio_and_marks_the_plan() {
    let report = sample::report();
    let page = html::html(&report);
    let page = parse(&page);
    let maps: Vec<_> = with_class(page.root_element(), "table", "heat").map(rows).collect();
    figures::check_heat_maps(&maps, &report);
}

fn fields_of<'a, 'd>(row: &Node<'a, 'd>) -> Vec<Node<'a, 'd>> {
    with_name(*row, "td").collect()
}

#[test]
fn the_heat_map_frames_the_fastest_and_sorts_by_the_mean_below_the_plan() {
    let report = sample::report();
    let page = html::html(&report);
    let page = parse(&page);
    let maps: Vec<_> = with_class(page.root_element(), "table", "heat").collect();
    assert_eq!(maps.len(), 30);
    let is_primitive = |row: &&Node<'_, '_>| {
        let name: String = with_name(**row, "th").map(text).collect();
        report.cells.iter().any(|cell| cell.primitive && cell.contender == name)
    };
    for map in maps {
        let rows: Vec<_> = with_name(map, "tr").skip(1).collect();
        assert_eq!(rows[0].attribute("class"), Some("plan"));
        let percent =
            |field: &Node<'_, '_>| -> f64 { text(*field).trim_end_matches('*').parse().unwrap() };
        let means: Vec<f64> =
            rows[1..].iter().map(|row| fields_of(row).iter().map(percent).sum()).collect();
        // Each of ten fields is rounded.
        assert!(means.windows(2).all(|pair| pair[0] >= pair[1] - 10.0), "{means:?}");
        for column in 0..10 {
            let fields: Vec<_> = rows.iter().map(|row| fields_of(row)[column]).collect();
            let framed: Vec<_> = fields
                .iter()
                .filter(|field| field.attribute("class").unwrap().ends_with(" best"))
                .collect();
            assert_eq!(framed.len(), 1);
            let primitives = rows.iter().filter(|row| is_primitive(row));
            let fastest = primitives.map(|row| percent(&fields_of(row)[column]));
            assert_eq!(percent(framed[0]), fastest.fold(0.0, f64::max));
        }
    }
}

#[test]
fn all_figures_are_folded() {
    let page = html::html(&sample::report());
    let page = parse(&page);
    let tables: Vec<_> = with_class(page.root_element(), "table", "figures").collect();
    assert_eq!(tables.len(), 30);
    for table in tables {
        let details = table.ancestors().find(|node| node.tag_name().name() == "details").unwrap();
        assert_eq!(details.attribute("open"), None);
        assert!(with_name(details, "summary").next().is_some());
    }
}

#[test]
fn the_summary_names_the_fastest_primitive_and_the_share_of_the_plan() {
    let report = sample::report();
    let page = html::html(&report);
    let page = parse(&page);
    let table = rows(with_class(page.root_element(), "table", "words").next().unwrap());
    assert_eq!(table[0], ["size", "hot", "reuse", "cold", "use", "fault"]);
    assert_eq!(table.len(), 11);
    let of_main = |cell: &&Cell| {
        (cell.place.cpu, cell.place.backing, cell.place.threads) == (Some(0), Backing::Thp, 1)
    };
    let fastest = |cell: &&Cell| {
        let rival = |c: &Cell| c.primitive && c.place == cell.place && c.ns < cell.ns;
        cell.primitive && !report.cells.iter().any(rival)
    };
    for cell in report.cells.iter().filter(of_main).filter(fastest) {
        let row = table.iter().find(|row| row[0] == format_size(cell.place.size as u64)).unwrap();
        let column = table[0].iter().position(|name| name == cell.place.temperature.name());
        let (name, rest) = row[column.unwrap()].split_once(' ').unwrap();
        let (speed, plan) = rest.split_once(", ").unwrap();
        assert!(figures::shows(speed, cell.gb_per_s, 3), "{cell:?}: {row:?}");
        assert_eq!(name, cell.contender);
        let of_plan = report.cells.iter().find(|c| c.contender == "plan" && c.place == cell.place);
        figures::check_ratio(plan.trim_end_matches("\u{a0}%"), of_plan.unwrap().of_envelope);
    }
    let mut ratios: Vec<_> = report
        .cells
        .iter()
        .filter(|cell| cell.contender == "plan" && cell.place.is_judged(1 << 20))
        .map(|cell| (100.0 * cell.of_envelope.unwrap(), cell))
        .collect();
    ratios.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = ratios.len() / 2;
    let median = f64::midpoint(ratios[half - 1].0, ratios[half].0);
    let (least, cell) = ratios[0];
    let verdict = with_class(page.root_element(), "p", "verdict").next().map(text).unwrap();
    let words =
        format!("It reaches {median:.0}\u{a0}% of the fastest primitive’s speed (median of 210");
    assert!(verdict.contains(&words), "{verdict}");
    assert!(verdict.contains(&format!("and {least:.0}\u{a0}% at the least")), "{verdict}");
    let place = format!("({}).", cell.place);
    assert!(verdict.ends_with(&place), "{verdict} {cell:?}");
}
