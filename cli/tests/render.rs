//! Pages and pictures of reports are well-formed, load nothing, and describe the run.

#[path = "common/markup.rs"]
mod markup;
#[path = "common/report.rs"]
mod sample;

use clearpage_cli::render::{csv, gallery, html, svg};
use clearpage_cli::report::{Report, SCHEMA};
use markup::{parse, reports, rows, text, with_class, with_name};

#[test]
fn every_output_of_every_report_is_well_formed() {
    for (name, report) in reports() {
        let (page, picture) = (html::html(&report), svg::svg(&report));
        let cards = gallery::gallery(&[("./a".to_owned(), &report)]);
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

const PROJECT: &str = env!("CARGO_PKG_HOMEPAGE");

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
                // A link is followed by the reader alone.
                let link = value.starts_with('#') || value == PROJECT;
                assert!(key != "href" || link, "{name}: {key}={value}");
            }
        }
        let style = with_name(page.root_element(), "style").map(text).collect::<String>();
        assert!(!style.contains("url(") && !style.contains("@import"), "{name}");
    }
}

#[test]
fn links_within_a_page_have_a_target() {
    let page = html::html(&sample::report());
    let page = parse(&page);
    let ids: Vec<_> = page.descendants().filter_map(|node| node.attribute("id")).collect();
    let links: Vec<_> =
        with_name(page.root_element(), "a").filter_map(|a| a.attribute("href")).collect();
    assert!(links.contains(&PROJECT));
    for link in links.into_iter().filter(|&link| link != PROJECT) {
        assert_eq!(ids.iter().filter(|&&id| link == format!("#{id}")).count(), 1, "{link}");
    }
}

#[test]
fn a_page_names_its_machine_and_command() {
    let mut report = sample::report();
    report.machine.governor = Some("powersave".to_owned());
    report.machine.facts.l3 = 0;
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
}

fn notes(report: &Report) -> Vec<String> {
    let page = html::html(report);
    let page = parse(&page);
    let lists = with_class(page.root_element(), "ul", "notes");
    lists.flat_map(|list| with_name(list, "li")).map(text).collect()
}

#[test]
fn a_page_says_once_that_the_run_was_ended() {
    let mut report = sample::report();
    assert_eq!(notes(&report), report.warnings);
    report.complete = false;
    assert_eq!(
        notes(&report),
        ["This run was ended before all was measured.", &report.warnings[0]]
    );
    // As `bench` warns of it.
    report.warnings.push("interrupted: not all was measured".to_owned());
    assert_eq!(notes(&report), report.warnings);
}

/// The threads of such a group are pinned, each on its own CPU.
#[test]
fn figures_of_several_threads_are_not_called_unpinned() {
    let report = sample::report();
    for drawn in [html::html(&report), svg::svg(&report)] {
        assert!(drawn.contains("Hot, thp, 2 threads"));
        assert!(!drawn.contains("not pinned"));
    }
}
