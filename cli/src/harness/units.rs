//! Formats and parses sizes in binary units, shares and counts.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

const UNITS: [(&str, u64); 5] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Formats a size in the largest unit of which it is a whole number: 4096 is "4 KiB".
pub fn format_size(bytes: u64) -> String {
    let fits = |unit: &&(&str, u64)| bytes >= unit.1 && bytes % unit.1 == 0;
    let (name, unit) = UNITS.iter().find(fits).unwrap_or(&UNITS[4]);
    format!("{} {name}", bytes / unit)
}

/// Formats a size in the largest unit that it reaches, with one decimal: "20.3 GiB".
pub fn about(bytes: u64) -> String {
    let reached = |unit: &&(&str, u64)| bytes >= unit.1;
    match UNITS.iter().find(reached) {
        Some((name, unit)) if *unit > 1 => format!("{:.1} {name}", bytes as f64 / *unit as f64),
        _ => format!("{bytes} B"),
    }
}

/// Formats a time in whole seconds: "2m 15s".
pub fn about_time(time: Duration) -> String {
    humantime::format_duration(Duration::from_secs(time.as_secs().max(1))).to_string()
}

/// Returns what a measurement is announced by: its time and its memory.
pub fn cost(time: Duration, bytes: u64) -> String {
    format!("takes about {} and up to {} of memory", about_time(time), about(bytes))
}

/// Formats a figure with three digits, or all digits before the point.
pub fn three_digits(figure: f64) -> String {
    let decimals = match figure {
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    format!("{figure:.decimals$}")
}

/// Returns a number with its noun: "1 cell", "2 cells".
pub fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// Returns a parser of whole numbers in a range, for clap.
pub fn number<T: FromStr + PartialOrd + fmt::Display + Copy>(
    least: T,
    most: T,
) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| {
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| format!("allowed are whole numbers from {least} to {most}"))
    }
}

/// A size as an argument: the bytes, and the text for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size {
    /// The parsed size.
    pub bytes: u64,
    text: String,
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self { bytes: parse_size(text)?, text: text.to_owned() })
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Reads `4096`, `4K`, `4KiB` or `4 kib`: K, M, G and T are powers of 1024.
///
/// # Errors
/// The text is no number with such a unit, or too large; the message says what is allowed.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let suffix = text[digits.len()..].trim().to_ascii_lowercase();
    let unit = UNITS.iter().find(|(name, _)| {
        let name = name.to_ascii_lowercase();
        name == suffix || name.strip_suffix("ib").is_some_and(|short| short == suffix)
    });
    let unit = if suffix.is_empty() { Some(1) } else { unit.map(|unit| unit.1) };
    let bytes = digits.parse::<u64>().ok().zip(unit).and_then(|(n, unit)| n.checked_mul(unit));
    bytes.ok_or_else(|| "allowed are bytes or K, M, G, T (powers of 1024), as 64K".to_owned())
}

/// Reads `0.05` or `5%`, if it is not negative.
pub fn parse_share(text: &str) -> Option<f64> {
    let share = match text.strip_suffix('%') {
        Some(percent) => percent.trim_end().parse::<f64>().ok()? / 100.0,
        None => text.parse().ok()?,
    };
    (share.is_finite() && share >= 0.0).then_some(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_agree_with_their_noun() {
        assert_eq!([0, 1, 2].map(|n| count(n, "cell")), ["0 cells", "1 cell", "2 cells"]);
    }

    #[test]
    fn figures_have_three_digits() {
        let cases =
            [(0.5, "0.50"), (9.994, "9.99"), (9.996, "10.0"), (99.96, "100"), (1234.0, "1234")];
        for (figure, text) in cases {
            assert_eq!(three_digits(figure), text);
        }
    }

    #[test]
    fn approximate_sizes_have_one_decimal() {
        let cases = [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (21_832_400_000, "20.3 GiB")];
        for (bytes, text) in cases {
            assert_eq!(about(bytes), text);
        }
    }

    #[test]
    fn numbers_outside_of_the_range_are_refused_with_it() {
        let parse = number(3_u16, u16::MAX);
        assert_eq!(parse("3"), Ok(3));
        for text in ["2", "65536", "99999999999999999999", "-3", "x", ""] {
            assert!(parse(text).unwrap_err().ends_with("from 3 to 65535"), "{text}");
        }
    }

    #[test]
    fn a_size_is_displayed_as_it_was_given() {
        let size: Size = "100G".parse().unwrap();
        assert_eq!((size.bytes, size.to_string()), (100 << 30, "100G".to_owned()));
    }

    #[test]
    fn printed_sizes_are_read_back() {
        for bytes in [0, 1, 4096, 4097, 64 << 10, 2 << 20, 3 << 30, 1 << 40, 1 << 50] {
            assert_eq!(parse_size(&format_size(bytes)), Ok(bytes));
        }
    }

    #[test]
    fn sizes_are_read_with_and_without_units() {
        for text in ["4096", "4K", "4k", "4KiB", "4 kib", "4096B"] {
            assert_eq!(parse_size(text), Ok(4096), "{text}");
        }
        for text in ["", "K", "4KB", "four", "-4K", "4.5K", "99999999T", "4 K x"] {
            assert!(parse_size(text).unwrap_err().contains("allowed are"), "{text}");
        }
    }
}
