//! Draws lines over the size of a call, on logarithmic axes that all charts of a page share.

use std::fmt::Write;

use super::family::{FAMILIES, Family};
use super::scale::Log;
use super::text::{Escaped, width};
use crate::harness::units::format_size;
use crate::report::facts::Recorded;

/// Width of every picture, in units.
pub const WIDTH: f64 = 490.0;
/// Width that a narrow page shows of a chart: all but the names of the lines.
const NARROW: f64 = 378.0;
/// Room for the names of rows in a font that is a quarter wider than DejaVu Sans.
const LEFT: f64 = 84.0;
const RIGHT: f64 = 364.0;
/// Between the name of a row and the axis.
const GAP: f64 = 4.0;
const TOP: f64 = 20.0;
const HEIGHT: f64 = 230.0;
const BOTTOM: f64 = TOP + HEIGHT;
/// Height of a line of text.
const LINE: f64 = 14.0;
/// Smallest and largest size of an axis, unless a report has others.
const SIZES: (f64, f64) = (4096.0, (1_u64 << 30) as f64);

/// The range of both axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    pub sizes: (f64, f64),
    pub values: (f64, f64),
}

impl Frame {
    /// Returns the frame that holds the usual sizes, `values`, and these points.
    pub fn around(values: (f64, f64), points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let wider = |(low, high): (f64, f64), value: f64| (low.min(value), high.max(value));
        points.into_iter().fold(Self { sizes: SIZES, values }, |frame, (size, value)| Self {
            sizes: wider(frame.sizes, size),
            values: wider(frame.values, value),
        })
    }
}

/// One contender.
#[derive(Clone, Debug)]
pub struct Line {
    pub family: Family,
    /// By ascending size.
    pub points: Vec<Point>,
}

#[derive(Clone, Debug)]
pub struct Point {
    pub size: usize,
    pub value: f64,
    /// Deviation as a share of the value.
    pub spread: f64,
    /// Shown under the pointer; not yet escaped. Without it the point has no marker.
    pub title: String,
}

/// A row of figures below the axis.
#[derive(Clone, Debug)]
pub struct Row {
    pub name: &'static str,
    /// Size and text, by ascending size.
    pub figures: Vec<(usize, String)>,
}

/// All that is drawn.
#[derive(Debug)]
pub struct Plot<'a> {
    /// Empty if the title names it.
    pub unit: &'static str,
    pub frame: Frame,
    /// Values of the grid, with their labels.
    pub levels: Vec<(f64, String)>,
    /// Drawn across the axes.
    pub baseline: Option<f64>,
    pub lines: &'a [Line],
    pub caches: &'a Recorded,
    pub rows: &'a [Row],
}

impl Plot<'_> {
    /// Returns the elements and the height.
    pub fn draw(&self) -> (String, f64) {
        let x = Log::new(self.frame.sizes, (LEFT + 14.0, RIGHT - 4.0));
        let y = Log::new(self.frame.values, (BOTTOM, TOP));
        let mut body = String::new();
        if !self.unit.is_empty() {
            let unit = self.unit;
            let _ = writeln!(body, r#"<text class="soft" x="2" y="11">{unit}</text>"#);
        }
        for (level, label) in &self.levels {
            let y = y.at(*level);
            let _ = writeln!(body, r#"<path class="grid" d="M{LEFT} {y:.1}H{RIGHT}"/>"#);
            let (x, y) = (LEFT - 6.0, y + 4.0);
            let _ =
                writeln!(body, r#"<text class="soft end" x="{x:.1}" y="{y:.1}">{label}</text>"#);
        }
        self.caches(&mut body, &x);
        let _ = writeln!(body, r#"<path class="axis" d="M{LEFT} {TOP}V{BOTTOM}H{RIGHT}"/>"#);
        self.sizes(&mut body, &x);
        // An element of its own cuts off what is outside of the axes.
        let _ = writeln!(
            body,
            r#"<svg x="{LEFT}" y="{TOP}" width="{w}" height="{HEIGHT}" viewBox="{LEFT} {TOP} {w} {HEIGHT}">"#,
            w = RIGHT - LEFT
        );
        if let Some(value) = self.baseline {
            let y = y.at(value);
            let _ = writeln!(body, r#"<path class="line one" d="M{LEFT} {y:.1}H{RIGHT}"/>"#);
        }
        // What is emphasised is drawn last, clearpage above all.
        let mut lines: Vec<_> = self.lines.iter().collect();
        lines.sort_by_key(|line| std::cmp::Reverse(line.family));
        for line in &lines {
            draw(&mut body, line, &x, &y);
        }
        body.push_str("</svg>\n");
        names(&mut body, &lines, &x, &y);
        (body, BOTTOM + 2.0 * LINE + 8.0 + self.rows.len() as f64 * LINE)
    }

    /// Draws a labelled line at the size of each cache.
    fn caches(&self, body: &mut String, x: &Log) {
        let Recorded { l1d, l2, l3, .. } = *self.caches;
        let mut free = width(self.unit) + 4.0;
        for (name, bytes) in [("L1d", l1d), ("L2", l2), ("L3", l3)] {
            let size = bytes as f64;
            if !(self.frame.sizes.0..=self.frame.sizes.1).contains(&size) {
                continue;
            }
            let x = x.at(size);
            let _ = writeln!(body, r#"<path class="cache" d="M{x:.1} {TOP}V{BOTTOM}"/>"#);
            let text = format!("{name} {}", format_size(bytes as u64));
            let half = width(&text) / 2.0;
            let middle = (x.min(NARROW - half)).max(free + half);
            if middle + half <= NARROW {
                free = middle + half + 2.0;
                let y = TOP - 5.0;
                let _ = writeln!(
                    body,
                    r#"<text class="soft middle" x="{middle:.1}" y="{y}">{text}</text>"#
                );
            }
        }
    }

    /// Draws the sizes below the axis, and the figures below the sizes.
    fn sizes(&self, body: &mut String, x: &Log) {
        let mut sizes: Vec<_> =
            self.lines.iter().flat_map(|line| &line.points).map(|point| point.size).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let mut columns: Vec<Vec<String>> = sizes
            .iter()
            .map(|&size| {
                let text = format_size(size as u64);
                let (number, unit) = text.split_once(' ').unwrap_or((&text, ""));
                vec![number.to_owned(), unit.to_owned()]
            })
            .collect();
        for row in self.rows {
            for (column, size) in columns.iter_mut().zip(&sizes) {
                let found = row.figures.binary_search_by_key(size, |figure| figure.0);
                column.push(found.map_or_else(|_| String::new(), |i| row.figures[i].1.clone()));
            }
        }
        let heads = ["", "size"].into_iter().chain(self.rows.iter().map(|row| row.name));
        let baseline = |i: usize| BOTTOM + 15.0 + i as f64 * LINE + if i > 1 { 4.0 } else { 0.0 };
        for (i, head) in heads.enumerate().filter(|(_, head)| !head.is_empty()) {
            let (x, y) = (LEFT - GAP, baseline(i));
            let _ = writeln!(body, r#"<text class="soft end" x="{x}" y="{y}">{head}</text>"#);
        }
        // From the largest down, skip columns that would touch the one before.
        let mut free = f64::MAX;
        for (&size, column) in sizes.iter().zip(&columns).rev() {
            let x = x.at(size as f64);
            let half = column.iter().map(|text| width(text)).fold(0.0, f64::max) / 2.0;
            let named = x + half < free;
            let tick = if named { 4 } else { 2 };
            let _ = writeln!(body, r#"<path class="axis" d="M{x:.1} {BOTTOM}v{tick}"/>"#);
            if !named {
                continue;
            }
            free = x - half - 0.5;
            for (i, text) in column.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
                let (class, y) = (if i > 1 { "value" } else { "soft" }, baseline(i));
                let _ = writeln!(
                    body,
                    r#"<text class="{class} middle" x="{x:.1}" y="{y}">{text}</text>"#
                );
            }
        }
    }
}

/// Draws a line with its points. An emphasised one has markers and a band of its spread.
fn draw(body: &mut String, line: &Line, x: &Log, y: &Log) {
    let class = line.family.class();
    let at =
        |point: &Point, value: f64| format!("{:.1} {:.1}", x.at(point.size as f64), y.at(value));
    let path = |points: Vec<String>| points.join("L");
    if line.family.is_strong() {
        let above = line.points.iter().map(|point| at(point, point.value * (1.0 + point.spread)));
        let below = line.points.iter().rev();
        let below = below.map(|point| at(point, point.value / (1.0 + point.spread)));
        let outline = path(above.chain(below).collect());
        let _ = writeln!(body, r#"<path class="band {class}" d="M{outline}Z"/>"#);
    }
    let points = path(line.points.iter().map(|point| at(point, point.value)).collect());
    let _ = writeln!(body, r#"<path class="line {class}" d="M{points}"/>"#);
    for point in line.points.iter().filter(|point| !point.title.is_empty()) {
        let (x, y, title) = (x.at(point.size as f64), y.at(point.value), Escaped(&point.title));
        let _ = match line.family.marker() {
            Some(shape) => writeln!(
                body,
                r#"<path class="mark {class}" transform="translate({x:.1} {y:.1})" d="{shape}"><title>{title}</title></path>"#
            ),
            None => writeln!(
                body,
                r#"<circle class="point" cx="{x:.1}" cy="{y:.1}" r="4"><title>{title}</title></circle>"#
            ),
        };
    }
}

/// Writes the name of each family at the end of its line, or of the highest of its lines, as near as
/// the other names permit.
fn names(body: &mut String, lines: &[&Line], x: &Log, y: &Log) {
    let last = |line: &Line| {
        let point = line.points.last()?;
        let at = y.at(point.value);
        (TOP..=BOTTOM).contains(&at).then(|| (at, x.at(point.size as f64)))
    };
    let mut ends: Vec<_> = FAMILIES
        .into_iter()
        .filter_map(|family| {
            let lines = lines.iter().filter(|line| line.family == family);
            let end = lines.filter_map(|line| last(line)).min_by(|a, b| a.0.total_cmp(&b.0))?;
            Some((family, end))
        })
        .collect();
    // Lines that end together are in the order of the legend.
    let step = |end: &(Family, (f64, f64))| (end.1.0 / LINE).round();
    ends.sort_by(|a, b| step(a).total_cmp(&step(b)).then(a.0.cmp(&b.0)));
    let wanted: Vec<f64> = ends.iter().map(|end| step(end) * LINE).collect();
    let places = apart(&wanted, LINE, (TOP, BOTTOM));
    for ((family, (at, from)), place) in ends.into_iter().zip(places) {
        let from = from + 5.0;
        let (lead, end) = (RIGHT + 4.0, RIGHT + 16.0);
        let _ = writeln!(
            body,
            r#"<path class="lead" d="M{from:.1} {at:.1}H{lead}L{end} {place:.1}"/>"#
        );
        let (class, text, y) = (family.class(), family.label(), place + 4.0);
        let x = end + 3.0;
        let _ = writeln!(body, r#"<text class="name {class}" x="{x}" y="{y:.1}">{text}</text>"#);
    }
}

/// Returns ascending places near the ascending `wanted`, at least `gap` apart and in `low..=high` if they
/// fit. Neighbours that would touch share the middle of what they want.
fn apart(wanted: &[f64], gap: f64, (low, high): (f64, f64)) -> Vec<f64> {
    // Without the room of the earlier ones, the places must not decrease: isotonic regression by
    // pooling neighbours into blocks of a sum and a count.
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    let mean = |&(sum, n): &(f64, usize)| sum / n as f64;
    for (i, &place) in wanted.iter().enumerate() {
        let mut block = (place - i as f64 * gap, 1);
        while let Some(before) = blocks.last().copied().filter(|before| mean(before) > mean(&block))
        {
            block = (before.0 + block.0, before.1 + block.1);
            blocks.pop();
        }
        blocks.push(block);
    }
    let high = high - (wanted.len() as f64 - 1.0) * gap;
    let each = blocks.iter().flat_map(|block| std::iter::repeat_n(mean(block), block.1));
    each.enumerate().map(|(i, place)| place.min(high).max(low) + i as f64 * gap).collect()
}

#[cfg(test)]
mod tests {
    use super::super::times::{OF_MEMSET, OF_PER_PAGE};
    use super::*;

    #[test]
    fn names_do_not_overlap_and_stay_near_their_lines() {
        let everywhere = (-1e3, 1e3);
        assert!(apart(&[], 10.0, everywhere).is_empty());
        assert_eq!(apart(&[1.0, 50.0], 10.0, everywhere), [1.0, 50.0]);
        assert_eq!(apart(&[50.0, 50.0], 10.0, everywhere), [45.0, 55.0]);
        assert_eq!(apart(&[0.0, 50.0, 50.0, 53.0], 10.0, everywhere), [0.0, 41.0, 51.0, 61.0]);
        assert_eq!(apart(&[1.0, 2.0, 99.0], 10.0, (0.0, 100.0)), [0.0, 10.0, 99.0]);
        assert_eq!(apart(&[90.0, 99.0, 100.0], 10.0, (0.0, 100.0)), [80.0, 90.0, 100.0]);
    }

    #[test]
    fn the_style_sheet_has_both_widths_of_a_chart() {
        let style = include_str!("page.css");
        for width in [WIDTH, NARROW] {
            assert!(style.contains(&format!("aspect-ratio: {width} / var(--height);")), "{width}");
        }
    }

    /// Bold DejaVu Sans is 68.7 units wide.
    #[test]
    fn the_longest_name_of_a_row_has_room_left_of_the_axis() {
        const IN_DEJAVU_SANS: f64 = 63.3;
        let room = LEFT - GAP;
        assert!(width(OF_MEMSET) <= room && 1.25 * IN_DEJAVU_SANS <= room);
        assert!(width(OF_PER_PAGE) <= width(OF_MEMSET));
    }

    #[test]
    fn a_frame_has_the_usual_sizes_and_all_points() {
        assert_eq!(Frame::around((0.25, 4.0), []).sizes, SIZES);
        let wider = Frame::around((0.25, 4.0), [(2048.0, 9.0), (8192.0, 1.0)]);
        assert_eq!(wider, Frame { sizes: (2048.0, SIZES.1), values: (0.25, 9.0) });
    }
}
