//! Reads pages and pictures as XML. Makes reports at the edges of what can be drawn.

#![allow(dead_code, reason = "not every test file needs all of it")]

use clearpage_cli::report::{Cell, Report, compare_to_envelope};
use roxmltree::{Document, Node, ParsingOptions};

use crate::sample;

const STRANGE: &str = "<script>alert('1')</script> & \"\u{1b}[31m\u{0}\u{ffff} ]]> --> é漢字 a name so long that it is cut";

pub fn parse(text: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..Default::default() };
    Document::parse_with_options(text, options).unwrap_or_else(|error| panic!("{error}: {text}"))
}

pub fn with_class<'a, 'd>(
    node: Node<'a, 'd>,
    name: &'static str,
    class: &'static str,
) -> impl Iterator<Item = Node<'a, 'd>> {
    let of_class = move |node: &Node<'_, '_>| {
        let classes = node.attribute("class").unwrap_or("");
        node.tag_name().name() == name && classes.split(' ').any(|word| word == class)
    };
    node.descendants().filter(of_class)
}

pub fn with_name<'a, 'd>(
    node: Node<'a, 'd>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'd>> {
    node.descendants().filter(move |node| node.tag_name().name() == name)
}

pub fn text(node: Node<'_, '_>) -> String {
    node.descendants().filter_map(|node| node.is_text().then(|| node.text()).flatten()).collect()
}

/// The titles of the points of charts.
pub fn points(node: Node<'_, '_>) -> Vec<String> {
    let points = with_class(node, "path", "mark").chain(with_class(node, "circle", "point"));
    points.filter(Node::has_children).map(text).collect()
}

/// The charts that compare with `memset`, of a page or a picture.
pub fn comparisons<'a, 'd>(node: Node<'a, 'd>) -> Vec<Node<'a, 'd>> {
    let charts = node.descendants().filter(|node| ["svg", "g"].contains(&node.tag_name().name()));
    let title = |chart: &Node<'_, '_>| with_name(*chart, "title").next().map(text);
    let compares = |chart: &Node<'a, 'd>| {
        let child = chart.children().any(|node| node.tag_name().name() == "desc");
        child && title(chart).is_some_and(|title| title.contains("times as fast as memset"))
    };
    charts.filter(compares).collect()
}

/// The texts of the fields of each row.
pub fn rows(table: Node<'_, '_>) -> Vec<Vec<String>> {
    with_name(table, "tr")
        .map(|row| row.children().filter(Node::is_element).map(text).collect())
        .collect()
}

/// A report of all these cells alone.
pub fn of(cells: &[Cell]) -> Report {
    let mut report = Report { cells: cells.to_vec(), ..sample::empty() };
    compare_to_envelope(&mut report.cells);
    report
}

/// Reports at the edges of what can be drawn.
pub fn reports() -> Vec<(&'static str, Report)> {
    let all = sample::report();
    let mut strange = sample::report();
    strange.machine.cpu = STRANGE.to_owned();
    strange.machine.kernel = STRANGE.to_owned();
    strange.machine.hypervisor = Some(STRANGE.to_owned());
    strange.machine.facts.features = vec![(STRANGE.to_owned(), true)];
    strange.command = vec![STRANGE.to_owned()];
    strange.version = STRANGE.to_owned();
    strange.warnings = vec![STRANGE.to_owned()];
    strange.plan[0].primitive = STRANGE.to_owned();
    strange.plan[0].intent = STRANGE.to_owned();
    let renamed = |cell: &&mut Cell| cell.primitive || cell.contender == "auto";
    strange.cells.iter_mut().filter(renamed).for_each(|cell| cell.contender.push_str(STRANGE));
    let mut nameless = strange.clone();
    nameless.cells.iter_mut().for_each(|cell| cell.contender.push_str(STRANGE));
    let mut broken = of(&all.cells[..40]);
    for (i, cell) in broken.cells.iter_mut().enumerate() {
        let value = [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e300, 1e-300][i % 6];
        (cell.ns, cell.ns_mad, cell.gb_per_s, cell.ns_per_page) = (value, value, value, value);
        (cell.of_envelope, cell.tsc_cycles_per_page) = (Some(value), Some(value));
        cell.place.size = [0, 1, 4096, usize::MAX][i / 6 % 4];
    }
    let again = broken.cells.clone();
    broken.cells.extend(again.into_iter().map(|mut cell| {
        cell.place.cpu = Some(1);
        cell
    }));
    let mut others = of(&all.cells);
    others.cells.retain(|cell| !cell.primitive);
    others.cells.iter_mut().for_each(|cell| cell.of_envelope = None);
    let unfinished = Report { complete: false, ..of(&all.cells[..25]) };
    vec![
        ("all", all.clone()),
        ("strange", strange),
        ("no known contender", nameless),
        ("broken", broken),
        ("no primitive", others),
        ("unfinished", unfinished),
        ("one cell", of(&all.cells[2..3])),
        ("one size", of(&all.cells[..17])),
        ("empty", sample::empty()),
    ]
}
