//! Text inside HTML and SVG, and figures as text.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

/// Escapes text for an element or a quoted attribute of HTML or XML.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // XML cannot represent these.
                '\u{fffe}' | '\u{ffff}' => f.write_char('\u{fffd}')?,
                c if c.is_control() && !matches!(c, '\t' | '\n') => f.write_char('\u{fffd}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// Escapes a name for HTML, and lets it break after underscores.
pub fn breakable(name: &str) -> String {
    Escaped(name).to_string().replace('_', "_<wbr/>")
}

/// Formats a figure with `digits` significant digits, but all digits before the point. A figure that is
/// not finite becomes a dash.
pub fn significant(value: f64, digits: i32) -> String {
    // Larger figures are in scientific notation.
    const LEAST: f64 = 1e-6;
    const MOST: f64 = 1e15;
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() {
        return "–".to_owned();
    }
    let size = value.abs();
    if !(LEAST..MOST).contains(&size) {
        return format!("{value:.*e}", digits as usize - 1);
    }
    let decimals = (digits - 1 - size.log10().floor() as i32).max(0);
    format!("{value:.*}", decimals as usize)
}

/// Formats a figure of the full table: four digits distinguish what can be measured.
pub fn figure(value: f64) -> String {
    significant(value, 4)
}

pub fn short(value: f64) -> String {
    significant(value, 3)
}

/// Formats a share as a whole percentage, without the sign.
pub fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.0}", 100.0 * share) } else { "–".to_owned() }
}

/// Formats a ratio with two digits or so: 0.97, 1.0, 12.
pub fn times(ratio: f64) -> String {
    match ratio {
        ratio if ratio < 0.995 => format!("{ratio:.2}"),
        ratio if ratio < 9.95 => format!("{ratio:.1}"),
        ratio if ratio < 999.5 => format!("{ratio:.0}"),
        _ => format!("{ratio:.0e}"),
    }
}

/// Returns "0.97 to 1.8", or `None` of no ratios. Each comes with its size.
pub fn times_range(ratios: &[(usize, f64)]) -> Option<String> {
    let ratios = || ratios.iter().map(|ratio| ratio.1);
    let (least, most) = (ratios().min_by(f64::total_cmp)?, ratios().max_by(f64::total_cmp)?);
    let (least, most) = (times(least), times(most));
    Some(if least == most { least } else { format!("{least} to {most}") })
}

/// Returns an upper bound for the width of `text` at 12 units in the usual fonts.
pub fn width(text: &str) -> f64 {
    text.chars().map(letter).sum()
}

pub fn letter(c: char) -> f64 {
    match c {
        'f' | 'i' | 'j' | 'l' | 'r' | 't' | ' ' | '.' | ',' | ':' => 5.1,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' => 12.0,
        c if c.is_ascii_uppercase() => 9.0,
        c if c.is_ascii() => 7.7,
        _ => 13.0,
    }
}

/// Formats seconds since 1970 as date and time, UTC. Later years than 9999 become that.
pub fn date(seconds: u64) -> String {
    const LAST: u64 = 253_402_300_799;
    let time = UNIX_EPOCH + Duration::from_secs(seconds.min(LAST));
    let text = humantime::format_rfc3339_seconds(time).to_string();
    format!("{} UTC", text[..16].replace('T', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped() {
        let text = Escaped("<script>\"a\" & 'b'\0\u{1b}\u{ffff}</script>").to_string();
        let safe =
            "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;\u{fffd}\u{fffd}\u{fffd}&lt;/script&gt;";
        assert_eq!(text, safe);
    }

    #[test]
    fn figures_have_four_digits() {
        let cases = [
            (0.0, "0"),
            (1.0, "1.000"),
            (12.3456, "12.35"),
            (0.012345, "0.01235"),
            (999.96, "1000.0"),
            (123456.7, "123457"),
            (-2.5, "-2.500"),
            (1e300, "1.000e300"),
            (1e-9, "1.000e-9"),
            (f64::NAN, "–"),
            (f64::INFINITY, "–"),
        ];
        for (value, text) in cases {
            assert_eq!(figure(value), text);
        }
    }

    #[test]
    fn ratios_have_two_digits() {
        let cases = [(0.264, "0.26"), (0.996, "1.0"), (1.77, "1.8"), (12.3, "12"), (1e4, "1e4")];
        for (ratio, text) in cases {
            assert_eq!(times(ratio), text);
        }
        assert_eq!(times_range(&[]), None);
        let range = |ratios: &[f64]| {
            times_range(&ratios.iter().map(|&ratio| (1, ratio)).collect::<Vec<_>>()).unwrap()
        };
        assert_eq!(range(&[1.0]), "1.0");
        assert_eq!(range(&[1.8, 0.97, 1.2]), "0.97 to 1.8");
    }

    #[test]
    fn dates_have_a_limit() {
        assert_eq!(date(951_827_696), "2000-02-29 12:34 UTC");
        assert_eq!(date(u64::MAX), "9999-12-31 23:59 UTC");
    }
}
