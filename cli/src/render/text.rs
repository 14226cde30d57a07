//! Text inside HTML and SVG, and figures as text.

use std::fmt;

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

/// Returns an upper bound for the width of `text` at 11 units in the usual fonts.
pub fn width(text: &str) -> f64 {
    text.chars().map(letter).sum()
}

pub fn letter(c: char) -> f64 {
    match c {
        'f' | 'i' | 'j' | 'l' | 'r' | 't' | ' ' | '.' | ',' | ':' => 4.6,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' => 11.0,
        c if c.is_ascii_uppercase() => 8.2,
        c if c.is_ascii() => 7.0,
        _ => 12.0,
    }
}

/// Formats seconds since 1970 as date and time, UTC. One format of one zone needs no calendar crate.
pub fn date(seconds: u64) -> String {
    const DAY: u64 = 24 * 60 * 60;
    let leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let (mut days, second) = (seconds / DAY, seconds % DAY);
    // The calendar repeats every 400 years.
    const CYCLE: u64 = 400 * 365 + 97;
    let mut year = 1970 + 400 * (days / CYCLE);
    days %= CYCLE;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{year:04}-{month:02}-{:02} {hour:02}:{minute:02} UTC", days + 1)
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
    fn dates_follow_the_calendar() {
        // From `date -u -d @SECONDS`.
        let cases = [
            (0, "1970-01-01 00:00 UTC"),
            (951_827_696, "2000-02-29 12:34 UTC"),
            (1_709_251_199, "2024-02-29 23:59 UTC"),
            (1_735_689_599, "2024-12-31 23:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
            (16_725_225_600, "2500-01-01 00:00 UTC"),
        ];
        for (seconds, text) in cases {
            assert_eq!(date(seconds), text);
        }
        assert!(date(u64::MAX).ends_with("UTC"));
    }
}
