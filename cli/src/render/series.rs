//! The look of a line, which never differs from another by its colour alone.

use std::fmt::Write;

/// Colours in `theme.css`.
const COLOURS: usize = 7;
/// Dash patterns in `chart.css`.
const DASHES: usize = 5;
/// Number of the shapes below, which are centred at the origin. The three numbers are coprime: 35 lines
/// differ by colour and dash, 40 by dash and marker.
const MARKERS: [&str; 8] = [
    "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z",
    "M-2.7-2.7h5.4v5.4h-5.4z",
    "M0-3.6L3.4 2.6H-3.4z",
    "M0-3.9L3.9 0L0 3.9L-3.9 0z",
    "M0 3.6L3.4-2.6H-3.4z",
    "M-3.4 0H3.4M0-3.4V3.4",
    "M-2.7-2.7L2.7 2.7M-2.7 2.7L2.7-2.7",
    "M-3-3H3L-3 3H3z",
];

/// Colour, dash pattern and marker of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    class: Option<usize>,
}

impl Look {
    /// The look of the plan: thick, solid, in the colour of the text.
    pub const MAIN: Self = Self { class: None };

    /// Returns the look of the `n`-th line.
    pub const fn nth(n: usize) -> Self {
        Self { class: Some(n) }
    }

    /// Returns the CSS classes of the line.
    pub fn line(self) -> String {
        match self.class {
            None => "line main".to_owned(),
            Some(n) => format!("line c{} d{}", n % COLOURS, n % DASHES),
        }
    }

    /// Adds a marker with a tooltip, which must be escaped.
    pub fn mark(self, out: &mut String, (x, y): (f64, f64), title: &str) {
        let (colour, shape) = match self.class {
            None => ("main".to_owned(), MARKERS[0]),
            Some(n) => (format!("c{}", n % COLOURS), MARKERS[n % MARKERS.len()]),
        };
        let _ = write!(
            out,
            r#"<path class="mark {colour}" transform="translate({x:.1} {y:.1})" d="{shape}">"#
        );
        if !title.is_empty() {
            let _ = write!(out, "<title>{title}</title>");
        }
        out.push_str("</path>\n");
    }
}

/// A line of a chart.
#[derive(Clone, Debug)]
pub struct Series {
    /// The label at its end.
    pub name: String,
    pub look: Look,
    /// Bytes and 10^9 bytes per second, by ascending size.
    pub points: Vec<(usize, f64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forty_lines_differ_without_colour() {
        let seen: std::collections::HashSet<_> =
            (0..40).map(|n| (n % DASHES, MARKERS[n % MARKERS.len()])).collect();
        assert_eq!(seen.len(), 40);
        let lines: std::collections::HashSet<_> = (0..35).map(|n| Look::nth(n).line()).collect();
        assert_eq!(lines.len(), 35);
    }

    #[test]
    fn the_style_sheets_have_every_class() {
        let theme = include_str!("theme.css");
        let chart = include_str!("chart.css");
        for n in 0..COLOURS {
            assert_eq!(theme.matches(&format!("--c{n}:")).count(), 2, "{n}: light and dark");
            assert!(chart.contains(&format!(".c{n} {{")), "{n}");
        }
        for n in 1..DASHES {
            assert!(chart.contains(&format!(".d{n} {{ stroke-dasharray")), "{n}");
        }
    }
}
