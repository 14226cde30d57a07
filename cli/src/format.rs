//! Rows as a table, JSON or CSV: `--format`. docs/output-formats.md has their fields.

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::harness::terminal::{Plain, is_active};
use crate::render::csv::text;

/// The form of what a command prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a reader
    #[default]
    Table,
    /// For a program
    Json,
    /// For a spreadsheet
    Csv,
}

#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Formatted {
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

impl Format {
    /// Returns `rows` as a list of JSON objects or as CSV with a header; for a reader, `table`.
    pub fn rows<R: Serialize>(self, rows: &[R], table: impl FnOnce() -> String) -> String {
        match self {
            Self::Table => table(),
            Self::Json => json(rows),
            Self::Csv => csv(rows),
        }
    }
}

/// Returns a value as JSON. What a terminal acts on is escaped as JSON has it: it is in texts only.
pub fn json<R: Serialize + ?Sized>(value: &R) -> String {
    let text = serde_json::to_string_pretty(value).expect("names of fields are texts");
    let mut out = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        match c {
            '\n' => out.push(c),
            c if is_active(c) => out += &format!("\\u{:04x}", u32::from(c)),
            c => out.push(c),
        }
    }
    out + "\n"
}

/// Returns rows as CSV. Texts are escaped for a terminal, and marked if a spreadsheet could take them
/// for a formula.
fn csv<R: Serialize>(rows: &[R]) -> String {
    let mut raw = csv::Writer::from_writer(Vec::new());
    for row in rows {
        raw.serialize(row).expect("flat rows, into memory");
    }
    let raw = raw.into_inner().expect("memory takes all");
    let mut writer = csv::Writer::from_writer(Vec::new());
    for record in csv::ReaderBuilder::new().has_headers(false).from_reader(&*raw).records() {
        let record = record.expect("written above");
        let fields = record.iter().map(|field| match field.parse::<f64>() {
            Ok(_) => field.to_owned(),
            Err(_) => text(&Plain(field).to_string()),
        });
        writer.write_record(fields).expect("as many fields as before, into memory");
    }
    let bytes = writer.into_inner().expect("memory takes all");
    String::from_utf8(bytes).expect("made of strings")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Row {
        name: &'static str,
        figure: f64,
    }

    #[test]
    fn names_cannot_act_on_a_terminal_or_a_spreadsheet() {
        let rows = [Row { name: "=1+1\u{9b}2J\n", figure: -1.5 }];
        let text = csv(&rows);
        assert_eq!(text, "name,figure\n'=1+1\\u{9b}2J\\u{a},-1.5\n");
        let text = json(&rows);
        assert!(text.contains(r"=1+1\u009b2J\n"), "{text}");
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read[0]["name"], rows[0].name);
    }
}
