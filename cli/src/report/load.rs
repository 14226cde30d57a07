//! Reads reports of this schema and the one before, which it converts.

use std::collections::HashSet;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::limits::{self, MOST_BYTES, ShortTexts};
use super::{Report, SCHEMA, compare_to_envelope};
use crate::{UserError, input, microarchitecture};

/// The oldest schema that this version reads.
pub const OLDEST: u32 = 2;

/// Reads a report.
///
/// # Errors
/// The file cannot be read, is not a report, exceeds the `limits`, is of a schema that this version
/// does not read, or has impossible figures. The message names the file and what is wrong with it.
pub fn load(path: &Path) -> Result<Report, UserError> {
    let wrong = |what: String| UserError(format!("{}: {what}", path.display()));
    let text = input::read(path, MOST_BYTES).map_err(wrong)?;
    parse(&text).map_err(wrong)
}

/// The fields that reports of all schemas share.
#[derive(Deserialize)]
struct Head {
    schema: u32,
}

/// Reads the text of a report.
///
/// # Errors
/// As those of [`load`], without the name of the file.
pub fn parse(text: &[u8]) -> Result<Report, String> {
    if text.trim_ascii_start().first().is_some_and(|&first| first != b'{') {
        return Err("not JSON of clearpage bench: it does not begin with {".to_owned());
    }
    let not_json = |error: serde_json::Error| {
        if error.is_eof() { "cut off, not a whole report".to_owned() } else { wrong(&error) }
    };
    let ShortTexts = serde_json::from_slice(text).map_err(not_json)?;
    let head: Result<Head, _> = serde_json::from_slice(text);
    let Head { schema } = head.map_err(|error| {
        printable(&format!("not a report of clearpage bench: no number `schema` ({error})"))
    })?;
    let mut report: Report = match schema {
        SCHEMA => serde_json::from_slice(text).map_err(|error| wrong(&error))?,
        OLDEST => {
            let mut report: Value = serde_json::from_slice(text).map_err(|error| wrong(&error))?;
            if let Some(machine) = report.get_mut("machine").and_then(Value::as_object_mut) {
                let missing =
                    |key| format!("not a report of clearpage bench: machine has no `{key}`");
                add_facts(machine).map_err(missing)?;
            }
            serde_json::from_value(report).map_err(|error| wrong(&error))?
        }
        _ => {
            let age = if schema > SCHEMA { "a newer" } else { "an older" };
            return Err(format!(
                "a report of schema {schema}, of {age} clearpage; version {} reads schema {OLDEST} and \
                 schema {SCHEMA}",
                env!("CARGO_PKG_VERSION")
            ));
        }
    };
    limits::check(&report)?;
    check(&report)?;
    // Older versions took the envelope of primitives alone, which the plan could exceed.
    compare_to_envelope(&mut report.cells);
    Ok(report)
}

/// Returns the message of JSON that is not a report.
fn wrong(error: &serde_json::Error) -> String {
    printable(&format!("not a report of clearpage bench: {error}"))
}

/// Escapes control characters: serde quotes unknown text of the file as it is.
fn printable(text: &str) -> String {
    let escape = |c: char| c.is_control().then(|| c.escape_debug().to_string());
    text.chars().map(|c| escape(c).unwrap_or_else(|| c.into())).collect()
}

/// Refuses impossible figures.
fn check(report: &Report) -> Result<(), String> {
    // Far more nanoseconds or GB/s than any measurement has.
    const MOST: f64 = 1e15;
    if !report.page_size.is_power_of_two() {
        return Err(format!("page_size {}: allowed are powers of two", report.page_size));
    }
    let mut seen = HashSet::new();
    for cell in &report.cells {
        let name = || format!("cell {:?} {}", cell.contender, cell.place);
        if !(cell.ns > 0.0 && cell.ns < MOST) {
            return Err(format!(
                "{}: ns {:?}: allowed are more than 0 to {MOST:e}",
                name(),
                cell.ns
            ));
        }
        let figures = [
            ("ns_mad", Some(cell.ns_mad)),
            ("gb_per_s", Some(cell.gb_per_s)),
            ("ns_per_page", Some(cell.ns_per_page)),
            ("tsc_cycles_per_page", cell.tsc_cycles_per_page),
            ("of_envelope", cell.of_envelope),
        ];
        for (field, figure) in figures {
            if let Some(figure) = figure.filter(|figure| !(0.0..MOST).contains(figure)) {
                let cell = name();
                return Err(format!("{cell}: {field} {figure:?}: allowed are 0 to {MOST:e}"));
            }
        }
        if cell.place.size == 0 || cell.place.threads == 0 {
            return Err(format!("{}: neither size nor threads can be 0", name()));
        }
        if !seen.insert((cell.place, &cell.contender)) {
            return Err(format!("{} is there twice", name()));
        }
    }
    Ok(())
}

/// Converts schema 2, which has the facts in other fields: vendor and model in texts, the rest as
/// fields of their own. It lacks block size and C library. The error is the name of a missing field.
fn add_facts(machine: &mut Map<String, Value>) -> Result<(), &'static str> {
    if let Some(key) =
        ["arch", "flags", "l1d", "l2", "l3"].into_iter().find(|&key| !machine.contains_key(key))
    {
        return Err(key);
    }
    let text = |key: &str| machine.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (cpu, signature) = (text("cpu"), text("cpu_signature"));
    // "AMD EPYC (AuthenticAMD)".
    let vendor = cpu.strip_suffix(')').and_then(|cpu| cpu.rsplit_once('(')).map_or("", |(_, v)| v);
    // "family 26, model 2, stepping 1".
    let number = |name: &str| {
        let parts = signature.split(", ").filter_map(|part| part.split_once(' '));
        let mut values = parts.filter(|part| part.0 == name);
        values.next().and_then(|part| part.1.parse::<u32>().ok()).unwrap_or(0)
    };
    let facts = json!({
        "isa": machine.remove("arch"),
        "vendor": vendor,
        "family": number("family"),
        "model": number("model"),
        "stepping": number("stepping"),
        "features": machine.remove("flags"),
        "l1d": machine.remove("l1d"),
        "l2": machine.remove("l2"),
        "l3": machine.remove("l3"),
        "block": 0,
        "hypervisor": machine.get("hypervisor").is_some_and(|name| !name.is_null()),
    });
    let isa = facts["isa"].as_str().unwrap_or_default();
    let name = microarchitecture::name(isa, vendor, number("family"), number("model"));
    machine.insert("microarchitecture".to_owned(), name.into());
    machine.insert("facts".to_owned(), facts);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a report of schema 2. The gallery has a newer one of the same CPU.
    fn schema_2() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/schema-2.json")
    }

    fn zen_5() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../results/amd-epyc-zen5-kvm.json")
    }

    #[test]
    fn schema_2_is_converted() {
        let report = load(&schema_2()).unwrap();
        assert_eq!(report.schema, 2);
        let facts = &report.machine.facts;
        assert_eq!((&*facts.isa, &*facts.vendor), ("x86_64", "AuthenticAMD"));
        assert_eq!((facts.family, facts.model, facts.stepping), (25, 17, 1));
        assert_eq!((facts.l1d, facts.l2, facts.l3), (32 << 10, 1 << 20, 32 << 20));
        assert!(facts.hypervisor && facts.features.contains(&("clzero".to_owned(), true)));
        assert!(report.machine.c_library.is_none());
    }

    #[test]
    fn a_missing_field_of_schema_2_is_named() {
        for key in ["arch", "flags", "l3"] {
            let text = std::fs::read_to_string(schema_2()).unwrap();
            let mut report: Value = serde_json::from_str(&text).unwrap();
            report["machine"].as_object_mut().unwrap().remove(key);
            let error = parse(report.to_string().as_bytes()).unwrap_err();
            assert!(error.contains(&format!("machine has no `{key}`")), "{error}");
        }
    }

    #[test]
    fn impossible_figures_are_refused() {
        let text = std::fs::read_to_string(schema_2()).unwrap();
        let mut report: Value = serde_json::from_str(&text).unwrap();
        let first = report["cells"][0].clone();
        let mut refused = |cell: Value| {
            report["cells"] = json!([first, cell]);
            parse(report.to_string().as_bytes()).unwrap_err()
        };
        assert!(refused(first.clone()).contains("is there twice"));
        for (field, value, words) in [
            ("ns", -1.0, "ns -1.0: allowed are more than 0 to 1e15"),
            ("ns", 0.0, "ns 0.0: allowed are more than 0 to 1e15"),
            ("ns_mad", -1.0, "ns_mad -1.0: allowed are 0 to 1e15"),
            ("gb_per_s", 1e300, "gb_per_s 1e300: allowed are 0 to 1e15"),
            ("ns_per_page", -1.0, "ns_per_page -1.0: allowed are 0 to 1e15"),
            ("of_envelope", -0.5, "of_envelope -0.5: allowed are 0 to 1e15"),
        ] {
            let mut cell = first.clone();
            (cell["contender"], cell[field]) = (json!("x"), json!(value));
            let error = refused(cell);
            assert!(error.starts_with("cell \"x\" ") && error.ends_with(words), "{error}");
        }
        let mut cell = first.clone();
        cell["size"] = json!(0);
        assert!(refused(cell).contains("size"));
        report["page_size"] = json!(0);
        let error = parse(report.to_string().as_bytes()).unwrap_err();
        assert_eq!(error, "page_size 0: allowed are powers of two");
    }

    #[test]
    fn control_characters_of_a_report_are_not_in_the_error() {
        let text = std::fs::read_to_string(zen_5()).unwrap();
        let text = text.replacen("\"thp\"", r#""\u001b[2J""#, 1);
        let error = parse(text.as_bytes()).unwrap_err();
        assert!(error.contains(r"unknown variant `\u{1b}[2J`"), "{error:?}");
        assert!(!error.contains(char::is_control), "{error:?}");
    }
}
