//! `clearpage bench` as a user meets it: what it prints, what it writes, and what it refuses.

mod tool;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use clearpage::{PAGE_SIZE, primitives};
use clearpage_cli::harness::units::three_digits;
use clearpage_cli::report::Report;
use serde_json::Value;
use tool::{Temporary, clearpage, command, refused, stdout};

/// Both small: 4 KiB and 16 KiB on most builds.
fn sizes() -> String {
    format!("{PAGE_SIZE},{}", 4 * PAGE_SIZE)
}

/// The report of a run with these arguments.
fn report(name: &str, args: &[&str]) -> (String, Value) {
    let file = Temporary::new(name);
    let text = stdout(&clearpage(&[&["bench", "--json", file.path()], args].concat()));
    (text, file.json())
}

/// What the cells have in this field, each once.
fn found(report: &Value, field: &str) -> BTreeSet<String> {
    report["cells"].as_array().unwrap().iter().map(|cell| cell[field].to_string()).collect()
}

fn set(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(|&value| value.to_owned()).collect()
}

/// The backings that are always available.
fn backings() -> &'static [&'static str] {
    match std::env::consts::OS {
        "linux" => &["base", "thp"],
        "windows" => &["base"],
        _ => &["thp"],
    }
}

/// The default backing.
fn usual() -> &'static str {
    backings().last().unwrap()
}

#[test]
fn the_report_has_the_printed_figures() {
    let file = Temporary::new("prints");
    std::fs::write(&file.0, "x".repeat(1 << 20)).unwrap();
    let size = (4 * PAGE_SIZE).to_string();
    let args = ["--intent", "hot", "--size", &size, "--loops", "4", "--json", file.path()];
    let text = stdout(&clearpage(&[&["bench"], &args[..]].concat()));
    let report = file.json();

    assert_eq!((&report["schema"], &report["complete"]), (&3.into(), &true.into()));
    assert_eq!(report["page_size"], PAGE_SIZE);
    let cells = report["cells"].as_array().unwrap();
    assert_eq!(cells.iter().filter(|cell| cell["planned"] == true).count(), 1);
    for name in ["plan", "auto", "generic", "libc memset", "slice::fill"] {
        assert_eq!(cells.iter().filter(|cell| cell["contender"] == name).count(), 1, "{name}");
    }
    let row = |name: &str| text.lines().find(|line| line.starts_with(&format!("│ {name} ")));
    for cell in cells {
        assert!(cell["samples"].as_u64() >= Some(4), "{cell}");
        assert_eq!(cell["temperature"], "hot");
        assert_eq!(cell["size"], 4 * PAGE_SIZE);
        let name = cell["contender"].as_str().unwrap();
        let speed = cell["gb_per_s"].as_f64().unwrap();
        let printed = format!("{} ±", three_digits(speed));
        assert!(row(name).is_some_and(|row| row.contains(&printed)), "{name} {printed}: {text}");
    }
    let plan = cells.iter().find(|cell| cell["contender"] == "plan").unwrap();
    let share = format!("{:.2}", plan["of_envelope"].as_f64().unwrap());
    assert!(row("plan : envelope").unwrap().contains(&share), "{share}: {text}");
    assert!(report["overhead"][0]["share"].as_f64() > Some(0.0), "{report}");
    assert!(text.contains("overhead of the tool: at most"), "{text}");
}

#[test]
fn exactly_the_requested_cells_are_measured() {
    let sizes = sizes();
    let args = ["--primitive", "generic", "--temperature", "hot", "--size", &sizes];
    let (text, report) = report("asked", &[&args[..], &["--loops", "3"]].concat());
    assert_eq!(found(&report, "contender"), set(&["\"generic\"", "\"plan\""]));
    assert_eq!(found(&report, "temperature"), set(&["\"hot\""]));
    assert_eq!(found(&report, "size").len(), 2);
    assert!(!text.contains(&format!("cold, {}", usual())), "{text}");
}

#[test]
fn every_temperature_and_backing_is_measured_on_one_thread_and_several() {
    let threads = std::thread::available_parallelism().unwrap().get().min(2).to_string();
    let size = (16 * PAGE_SIZE).to_string();
    let (_, report) = report(
        "grid",
        &[
            "--temperature=all",
            &format!("--backing={}", backings().join(",")),
            &format!("--threads=1,{threads}"),
            &format!("--size={size}"),
            "--primitive=generic",
            "--loops=3",
        ],
    );
    let places: Vec<_> = report["cells"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cell| {
            assert!(cell["ns"].as_f64() > Some(0.0), "{cell}");
            let [threads, backing, temperature] =
                ["threads", "backing", "temperature"].map(|field| cell[field].to_string());
            let pins = cfg!(any(target_os = "linux", target_os = "android", windows));
            assert_eq!(cell["cpu"].is_null(), threads != "1" || !pins);
            (cell["contender"].to_string(), threads, backing, temperature)
        })
        .collect();
    let distinct: BTreeSet<_> = places.iter().collect();
    let counts = backings().len() * if threads == "1" { 1 } else { 2 };
    assert_eq!((places.len(), distinct.len()), (10 * counts, 10 * counts), "{report}");
    assert_eq!(report["overhead"].as_array().unwrap().len(), 5 * counts);
    let read: Report = serde_json::from_value(report.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), report);
}

#[test]
fn every_field_is_documented() {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/report-schema.md");
    let schema = std::fs::read_to_string(schema).unwrap();
    let size = PAGE_SIZE.to_string();
    let (_, report) = report(
        "schema",
        &["--temperature=hot", "--primitive=generic", "--size", &size, "--loops=3"],
    );
    fn fields(value: &Value, names: &mut BTreeSet<String>) {
        match value {
            Value::Object(object) => {
                for (name, value) in object {
                    names.insert(name.clone());
                    fields(value, names);
                }
            }
            Value::Array(values) => values.iter().for_each(|value| fields(value, names)),
            _ => {}
        }
    }
    let mut names = BTreeSet::new();
    fields(&report, &mut names);
    assert!(names.len() > 30, "{names:?}");
    for name in names {
        assert!(schema.contains(&format!("| `{name}` |")), "{name} is not in the schema");
    }
}

#[test]
fn reserved_pages_are_used_if_free_and_refused_otherwise() {
    let size = PAGE_SIZE.to_string();
    let args = ["--temperature=hot", "--primitive=generic", "--size", &size, "--loops=3"];
    if clearpage_cli::harness::memory::reserved().is_some() {
        let (_, report) = report("hugetlb", &[&args[..], &["--backing=hugetlb"]].concat());
        assert_eq!(found(&report, "backing"), set(&["\"hugetlb\""]));
        return;
    }
    let why = match backings().len() {
        1 => "--backing hugetlb: pages can be chosen only on Linux",
        _ => "--backing hugetlb: no huge page is reserved",
    };
    let message = refused(&clearpage(&[&["bench", "--backing=hugetlb"], &args[..]].concat()));
    assert!(message.contains(why), "{message}");
    let (text, report) = report("without", &[&args[..], &["--backing=all"]].concat());
    let names: Vec<_> = backings().iter().map(|name| format!("\"{name}\"")).collect();
    assert_eq!(found(&report, "backing"), names.into_iter().collect());
    assert!(text.contains(&format!("warning: {why}")), "{text}");
}

#[test]
fn errors_of_arguments_name_the_allowed_values() {
    let cases: [(&[&str], &[&str]); 21] = [
        (&["--primitive", "nonsense"], &["no such primitive", "allowed are", "generic"]),
        (&["--primitive", ""], &["--primitive: the name is empty", "allowed are", "generic"]),
        (&["--size", "0"], &["--size 0: nothing to clear; the least is a page"]),
        (&["--size", "4097"], &["--size 4097: not a multiple of the page size, "]),
        (&["--size", "8192T"], &["--size 8192T: too large; the most is", "GiB (nine tenths of"]),
        (&["--size", "4Q"], &["4Q", "allowed are bytes or K, M, G, T"]),
        (&["--cpu", "100000"], &["--cpu 100000", "no such CPU", "allowed are"]),
        (&["--cpu", "0-4000000000"], &["--cpu 4000000000", "no such CPU", "allowed are"]),
        (&["--cpu", "3-1"], &["3-1", "as 0-3,8"]),
        (&["--cpu", "first"], &["first", "as 0-3,8"]),
        (&["--threads", "0"], &["numbers from 1 on, and all"]),
        (&["--threads", "100000"], &["--threads 100000: allowed are up to"]),
        (&["--cpu", "0", "--threads", "2"], &["--threads 2: allowed are up to 1", "--cpu names"]),
        (&["--intent", "warm"], &["warm", "hot, reuse"]),
        (&["--temperature", "hot,warm"], &["warm", "hot, reuse, cold, use, fault, all"]),
        (&["--backing", "tiny"], &["tiny", "base, thp, hugetlb, all"]),
        (&["--loops", "2"], &["2", "from 3 to 65535"]),
        (&["--loops", "99999999999999999999"], &["from 3 to 65535"]),
        (&["--loops", "3", "--quick"], &["--loops", "--quick", "cannot be used"]),
        (&["--json", "/nonexistent/x.json"], &["--json /nonexistent/x.json"]),
        (&["--frobnicate"], &["--frobnicate", "--help"]),
    ];
    for (args, words) in cases {
        let message = refused(&clearpage(&[&["bench"], args].concat()));
        for word in words {
            assert!(message.contains(word), "{args:?}: no {word:?} in {message}");
        }
    }
}

/// Two samples of a page, 65535 times.
#[test]
fn many_loops_are_announced_with_their_time_and_memory() {
    let size = PAGE_SIZE.to_string();
    let args = ["bench", "--temperature=hot", "--primitive=generic", "--loops=65535", "--size"];
    let mut command = command(&[&args[..], &[&size]].concat());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let time = line.strip_prefix("takes about ").unwrap_or_else(|| panic!("{line}"));
    assert!(time.contains("m ") && time.ends_with(" and up to 64.0 MiB of memory\n"), "{line}");
}

#[test]
fn a_primitive_of_another_isa_is_named_as_such() {
    let (name, isa) =
        if cfg!(target_arch = "s390x") { ("dcbz", "powerpc64") } else { ("xc", "s390x") };
    let message = refused(&clearpage(&["bench", "--primitive", name]));
    assert!(message.contains(&format!("--primitive {name}: a primitive of {isa}; ")), "{message}");
}

#[test]
fn the_unit_of_the_tables_is_chosen() {
    let size = PAGE_SIZE.to_string();
    let args = ["--temperature=hot", "--primitive=generic", "--size", &size, "--loops=3"];
    let (text, _) = report("unit", &args);
    assert!(text.contains("GB/s") && !text.contains("a page\n"), "{text}");
    let (text, report) = report("ns", &[&args[..], &["--unit=ns"]].concat());
    assert!(text.contains(&format!("hot, {}", usual())) && text.contains("ns a page\n"), "{text}");
    let ns = report["cells"][0]["ns_per_page"].as_f64().unwrap();
    assert!(text.contains(&format!("{ns:.0} ±")), "{ns}: {text}");
    assert!(!text.contains("GB/s"), "{text}");
}

#[test]
fn a_report_is_printed_as_json_or_csv() {
    let size = PAGE_SIZE.to_string();
    let args = [
        "bench",
        "--temperature=hot",
        "--primitive=generic",
        "--size",
        &size,
        "--loops=3",
        "--format",
    ];
    let run = |format| stdout(&clearpage(&[&args[..], &[format]].concat()));
    let report: Report = serde_json::from_str(&run("json")).unwrap();
    assert_eq!(report.cells.len(), 2);
    let text = run("csv");
    assert!(text.starts_with("contender,cpu,threads,") && text.lines().count() == 3, "{text}");
}

#[test]
fn a_primitive_this_cpu_lacks_is_refused_with_the_reason() {
    for primitive in primitives() {
        if let Err(why) = primitive.available() {
            let message = refused(&clearpage(&["bench", "--primitive", primitive.name()]));
            assert!(message.contains(why.reason), "{message}");
        }
    }
}
