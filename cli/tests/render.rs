//! Pictures of reports: well-formed, whole, and the same figures as the report's.

#[path = "common/figures.rs"]
mod figures;
#[path = "common/report.rs"]
mod sample;

use clearpage_cli::harness::units::format_size;
use clearpage_cli::render::{csv, gallery, html, svg};
use clearpage_cli::report::{Backing, Cell, Report, SCHEMA, compare_to_envelope};
use roxmltree::{Document, Node, ParsingOptions};

const STRANGE: &str = "<script>alert('1')</script> & \"\u{1b}[31m\u{0}\u{ffff} ]]> --> é漢字 a name so long that it is cut";

fn parse(text: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..Default::default() };
    Document::parse_with_options(text, options).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn with_class<'a, 'd>(
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

fn text(node: Node<'_, '_>) -> String {
    node.descendants().filter_map(|node| node.is_text().then(|| node.text()).flatten()).collect()
}

/// A report of all these cells alone.
fn of(cells: &[Cell]) -> Report {
    let mut report = Report { cells: cells.to_vec(), ..sample::empty() };
    compare_to_envelope(&mut report.cells);
    report
}

/// Reports at the edges of what can be drawn.
fn reports() -> Vec<(&'static str, Report)> {
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
    strange.cells.iter_mut().for_each(|cell| cell.contender.push_str(STRANGE));
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
        ("broken", broken),
        ("no primitive", others),
        ("unfinished", unfinished),
        ("one cell", of(&all.cells[2..3])),
        ("one size", of(&all.cells[..17])),
        ("empty", sample::empty()),
    ]
}

#[test]
fn every_output_of_every_report_is_well_formed() {
    for (name, report) in reports() {
        let (page, picture) = (html::html(&report), svg::svg(&report));
        let cards = gallery::gallery(&[("./a.html".to_owned(), &report)]);
        for output in [&page, &picture, &cards] {
            parse(output);
            assert!(!output.contains("<script"), "{name}");
            for word in ["NaN", "inf", "undefined"] {
                let broken =
                    |part: &str| part.split(|c: char| !c.is_alphanumeric()).any(|w| w == word);
                assert!(!broken(output), "{name}: {word}");
            }
        }
        let table = csv::csv(&report);
        assert!(!table.contains("NaN") && !table.contains("inf"), "{name}: {table}");
    }
}

#[test]
fn a_page_has_no_script_and_loads_nothing() {
    for (name, report) in reports() {
        let page = html::html(&report);
        let page = parse(&page);
        assert_eq!(page.root_element().attribute("lang"), Some("en"));
        for node in page.descendants() {
            assert!(
                !["script", "link", "img", "iframe"].contains(&node.tag_name().name()),
                "{name}"
            );
            for attribute in node.attributes() {
                let (key, value) = (attribute.name(), attribute.value());
                assert!(!key.starts_with("on") && key != "src", "{name}: {key}={value}");
                assert!(key != "href" || value.starts_with('#'), "{name}: {key}={value}");
            }
        }
        let style = with_name(page.root_element(), "style").map(text).collect::<String>();
        assert!(!style.contains("url(") && !style.contains("@import"), "{name}");
    }
}

fn with_name<'a, 'd>(node: Node<'a, 'd>, name: &'static str) -> impl Iterator<Item = Node<'a, 'd>> {
    node.descendants().filter(move |node| node.tag_name().name() == name)
}

#[test]
fn links_within_a_page_have_a_target() {
    let page = html::html(&sample::report());
    let page = parse(&page);
    let ids: Vec<_> = page.descendants().filter_map(|node| node.attribute("id")).collect();
    let links: Vec<_> =
        with_name(page.root_element(), "a").filter_map(|a| a.attribute("href")).collect();
    assert!(!links.is_empty());
    for link in links {
        assert_eq!(ids.iter().filter(|&&id| link == format!("#{id}")).count(), 1, "{link}");
    }
}

/// The texts of the fields of each row.
fn rows(table: Node<'_, '_>) -> Vec<Vec<String>> {
    with_name(table, "tr")
        .map(|row| row.children().filter(Node::is_element).map(text).collect())
        .collect()
}

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
fn a_chart_has_a_point_for_every_figure_and_a_name_for_every_line() {
    let report = sample::report();
    for drawn in [svg::svg(&report), html::html(&report)] {
        let drawn = parse(&drawn);
        let marks = with_class(drawn.root_element(), "path", "mark");
        let titles: Vec<_> = marks.filter(Node::has_children).map(text).collect();
        figures::check_points(&titles, &report);
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
    let marks: Vec<(f64, f64)> = with_class(picture.root_element(), "path", "mark")
        .filter(|mark| mark.has_children())
        .map(|mark| {
            let place = mark.attribute("transform").unwrap();
            let place = place.trim_start_matches("translate(").trim_end_matches(')');
            let (x, y) = place.split_once(' ').unwrap();
            (x.parse().unwrap(), y.parse().unwrap())
        })
        .collect();
    let [first, second] = report.cells.as_slice() else { panic!("two sizes") };
    assert!(first.place.size < second.place.size && first.gb_per_s < second.gb_per_s);
    assert!(marks[0].0 < marks[1].0 && marks[0].1 > marks[1].1, "{marks:?}");
}

#[test]
fn the_heat_map_has_every_ratio_and_marks_the_plan() {
    let report = sample::report();
    let page = html::html(&report);
    let page = parse(&page);
    let maps: Vec<_> = with_class(page.root_element(), "table", "heat").map(rows).collect();
    figures::check_heat_maps(&maps, &report);
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
    assert!(!svg::svg(&one_cpu).contains("<rect class=\"bar"));
    assert!(!html::html(&one_cpu).contains("CPU by CPU"));
}

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
        let (speed, plan) = rest.split_once(", plan\u{a0}").unwrap();
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
    let sentence = with_name(page.root_element(), "p").nth(1).map(text).unwrap();
    let start =
        format!("The plan reaches {median:.0} % of the fastest primitive’s speed (median of 210");
    assert!(sentence.starts_with(&start), "{sentence}");
    assert!(sentence.contains(&format!("and {least:.0} % at the least")), "{sentence}");
    let place = format!("({}).", cell.place);
    assert!(sentence.ends_with(&place), "{sentence} {cell:?}");
}

#[test]
fn a_page_names_its_machine_and_command() {
    let mut report = sample::report();
    report.machine.governor = Some("powersave".to_owned());
    report.machine.facts.l3 = 0;
    report.complete = false;
    report.cells[0].samples = 3;
    let page = html::html(&report);
    let page = parse(&page);
    let facts: Vec<_> = with_class(page.root_element(), "dl", "facts")
        .flat_map(|list| with_name(list, "div"))
        .map(|fact| {
            (
                text(with_name(fact, "dt").next().unwrap()),
                text(with_name(fact, "dd").next().unwrap()),
            )
        })
        .collect();
    let expected = [
        ("CPU", "Example CPU 9000 with 2 Cores (ExampleMaker)"),
        ("microarchitecture", "Example 9"),
        ("signature", "family 26, model 2, stepping 1"),
        ("microcode", "0x1000065"),
        ("governor", "powersave"),
        ("architecture", "x86_64"),
        ("L1d cache", "48 KiB"),
        ("L2 cache", "1 MiB"),
        ("L3 cache", "unknown"),
        ("page size of the system", "4 KiB"),
        ("transparent huge pages", "madvise"),
        ("hypervisor", "KVM"),
        ("kernel", "Linux 6.12.0"),
        ("C library", "glibc 2.36"),
        ("number of CPUs", "2"),
        ("memory", "24.0 GiB"),
        ("feature bits", "erms yes, fzrm no"),
        ("page size of the build", "4 KiB"),
        ("command", "clearpage bench --json sample.json"),
        ("begun", "2026-01-01 00:00 UTC"),
        ("version", &format!("0.1.0, schema {SCHEMA}")),
        ("samples a figure", "3 to 9"),
    ];
    assert_eq!(facts.len(), expected.len());
    for ((name, value), fact) in expected.into_iter().zip(facts) {
        assert_eq!((name, value), (&*fact.0, &*fact.1));
    }
    let plan = rows(with_class(page.root_element(), "table", "words").nth(1).unwrap());
    let expected = [
        ["auto", "4 KiB", "32 MiB", "avx2"],
        ["auto", "32 MiB", "–", "clzero"],
        ["cold", "4 KiB", "–", "clzero"],
    ];
    assert_eq!(plan[1..], expected);
    let notes = |page: &Document<'_>| -> Vec<String> {
        let lists = with_class(page.root_element(), "ul", "notes");
        lists.flat_map(|list| with_name(list, "li")).map(text).collect()
    };
    let unfinished = "This run was ended before all was measured.";
    assert_eq!(notes(&page), [unfinished, &report.warnings[0]]);
    let finished = html::html(&sample::report());
    assert_eq!(notes(&parse(&finished)), report.warnings);
}
