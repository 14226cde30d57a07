//! Formats and parses sizes in binary units.

const UNITS: [(&str, u64); 5] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Formats a size in the largest unit of which it is a whole number: 4096 is "4 KiB".
pub fn format_size(bytes: u64) -> String {
    let fits = |unit: &&(&str, u64)| bytes >= unit.1 && bytes % unit.1 == 0;
    let (name, unit) = UNITS.iter().find(fits).unwrap_or(&UNITS[4]);
    format!("{} {name}", bytes / unit)
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
    bytes.ok_or_else(|| {
        format!("{text:?} is no size: allowed are bytes or K, M, G, T (powers of 1024), as 64K")
    })
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
