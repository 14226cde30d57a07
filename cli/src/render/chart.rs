//! Draws throughput against size on logarithmic axes, with the name of each line at its end.

use std::collections::HashMap;
use std::fmt::Write;

use super::picture::Picture;
use super::scale::{Log, drawable, ticks};
use super::series::{Look, Series};
use super::text::{Escaped, short, width};
use crate::harness::units::format_size;
use crate::report::group::{PLAN, contenders};
use crate::report::{Cell, Report};

/// Width of every picture, in units.
pub const WIDTH: f64 = 450.0;
const LEFT: f64 = 38.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 48.0;
/// Distance between the plot and the names, for the lines that connect them.
const LEAD: f64 = 20.0;
/// Height of a line of text.
const LINE: f64 = 13.0;
/// Longest name. Longer names are cut.
const LONGEST: usize = 20;
const LEAST_HEIGHT: f64 = 290.0;

/// The look of each contender, which is the same on every chart of a report.
pub fn looks(report: &Report) -> HashMap<&str, Look> {
    let others = contenders(&report.cells).into_iter().filter(|&name| name != PLAN);
    others.enumerate().map(|(n, name)| (name, Look::nth(n))).collect()
}

/// Returns a line for each contender of these cells. It has the look of the plan if `looks` lacks the
/// contender.
pub fn series(cells: &[&Cell], looks: &HashMap<&str, Look>) -> Vec<Series> {
    let mut points = HashMap::<&str, Vec<(usize, f64)>>::new();
    for cell in cells {
        points.entry(&cell.contender).or_default().push((cell.place.size, cell.gb_per_s));
    }
    let line = |name: &str| {
        let look = looks.get(name).copied().unwrap_or(Look::MAIN);
        let mut points = points.remove(name).unwrap_or_default();
        points.sort_by_key(|point| point.0);
        points.dedup_by_key(|point| point.0);
        Series { name: name.to_owned(), look, points }
    };
    contenders(cells.iter().copied()).into_iter().map(line).collect()
}

/// Draws the chart, or returns `None` if it has no points.
pub fn chart(title: &str, mut series: Vec<Series>) -> Option<Picture> {
    for line in &mut series {
        line.points.retain(|&(size, speed)| size > 0 && drawable(size as f64) && drawable(speed));
    }
    series.retain(|line| !line.points.is_empty());
    let points = || series.iter().flat_map(|line| &line.points);
    let mut sizes: Vec<_> = points().map(|point| point.0).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let slowest = points().map(|point| point.1).min_by(f64::total_cmp)?;
    let fastest = points().map(|point| point.1).max_by(f64::total_cmp)?;

    let names = series.iter().map(|line| width(&label(line))).fold(0.0, f64::max);
    let right = WIDTH - names - 12.0;
    let height = LEAST_HEIGHT.max(series.len() as f64 * LINE);
    let levels = ticks(slowest, fastest);
    let ends = (*levels.first()?, *levels.last()?);
    let x = Log::new((*sizes.first()? as f64, *sizes.last()? as f64), (LEFT + 4.0, right - LEAD));
    let y = Log::new(ends, (TOP + height, TOP));

    let mut body = String::new();
    axes(&mut body, &x, &y, &sizes, &levels, (right - LEAD, TOP + height));
    // The plan is drawn last, above the others.
    series.sort_by_key(|line| line.look == Look::MAIN);
    for line in &series {
        draw(&mut body, line, &x, &y);
    }
    names_at_ends(&mut body, &series, &x, &y, (right, TOP + height));
    let best = series.iter().max_by(|a, b| last(a).1.total_cmp(&last(b).1))?;
    let description = format!(
        "Throughput in GB/s against the size of a call, from {} to {}, both axes logarithmic: {} \
         lines. At its largest size the fastest is {} with {} GB/s. All figures are in the table.",
        format_size(*sizes.first()? as u64),
        format_size(*sizes.last()? as u64),
        series.len(),
        best.name,
        short(last(best).1)
    );
    let height = TOP + height + BOTTOM;
    Some(Picture { title: title.to_owned(), description, height, body })
}

fn last(line: &Series) -> (usize, f64) {
    line.points[line.points.len() - 1]
}

/// Returns the name of a line and its figure at the largest size.
fn label(line: &Series) -> String {
    let figure = short(last(line).1);
    if line.name.chars().count() <= LONGEST {
        return format!("{} {figure}", line.name);
    }
    let start: String = line.name.chars().take(LONGEST - 1).collect();
    format!("{start}… {figure}")
}

fn axes(
    body: &mut String,
    x: &Log,
    y: &Log,
    sizes: &[usize],
    levels: &[f64],
    (right, bottom): (f64, f64),
) {
    let _ = writeln!(body, r#"<text class="soft" x="2" y="10">GB/s</text>"#);
    for &level in levels {
        let y = y.at(level);
        let _ = writeln!(body, r#"<path class="grid" d="M{LEFT} {y:.1}H{right:.1}"/>"#);
        let text = significant_tick(level);
        let (x, y) = (LEFT - 5.0, y + 4.0);
        let _ = writeln!(body, r#"<text class="soft end" x="{x:.1}" y="{y:.1}">{text}</text>"#);
    }
    // From the largest down, skip labels that would touch the one before.
    let mut free = f64::MAX;
    for &size in sizes.iter().rev() {
        let (text, x) = (format_size(size as u64), x.at(size as f64));
        let (number, unit) = text.split_once(' ').unwrap_or((&text, ""));
        let half = width(number).max(width(unit)) / 2.0;
        let named = x + half < free;
        let tick = if named { 4 } else { 2 };
        let _ = writeln!(body, r#"<path class="axis" d="M{x:.1} {bottom:.1}v{tick}"/>"#);
        if named {
            free = x - half - 1.0;
            for (text, below) in [(number, 15.0), (unit, 27.0)] {
                let y = bottom + below;
                let _ = writeln!(
                    body,
                    r#"<text class="soft middle" x="{x:.1}" y="{y:.1}">{text}</text>"#
                );
            }
        }
    }
    let _ = writeln!(body, r#"<path class="axis" d="M{LEFT} {TOP}V{bottom:.1}H{right:.1}"/>"#);
    let (x, y) = (f64::midpoint(LEFT, right), bottom + 43.0);
    let _ =
        writeln!(body, r#"<text class="soft middle" x="{x:.1}" y="{y:.1}">bytes a call</text>"#);
}

/// Formats a round value without trailing zeros.
fn significant_tick(level: f64) -> String {
    if (1e-3..1e5).contains(&level) { format!("{level}") } else { format!("{level:e}") }
}

fn draw(body: &mut String, line: &Series, x: &Log, y: &Log) {
    let at = |&(size, speed): &(usize, f64)| (x.at(size as f64), y.at(speed));
    let path: Vec<_> = line.points.iter().map(at).map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
    let _ = writeln!(body, r#"<path class="{}" d="M{}"/>"#, line.look.line(), path.join("L"));
    for point in &line.points {
        let (size, speed) = (format_size(point.0 as u64), short(point.1));
        let title = format!("{}, {size}: {speed} GB/s", Escaped(&line.name));
        line.look.mark(body, at(point), &title);
    }
}

/// Draws the names, each as near to the end of its line as the others permit.
fn names_at_ends(
    body: &mut String,
    series: &[Series],
    x: &Log,
    y: &Log,
    (right, bottom): (f64, f64),
) {
    let mut ends: Vec<_> =
        series.iter().map(|line| (line, x.at(last(line).0 as f64), y.at(last(line).1))).collect();
    ends.sort_by(|a, b| a.2.total_cmp(&b.2));
    let wanted: Vec<f64> = ends.iter().map(|end| end.2).collect();
    let places = apart(&wanted, LINE, (TOP, bottom));
    for ((line, from, at), place) in ends.into_iter().zip(places) {
        let lead = right - LEAD + 6.0;
        let _ = writeln!(
            body,
            r#"<path class="lead" d="M{:.1} {at:.1}H{lead:.1}L{:.1} {place:.1}"/>"#,
            from + 4.0,
            right
        );
        line.look.mark(body, (right + 4.0, place), "");
        let _ = writeln!(
            body,
            r#"<text class="name" x="{:.1}" y="{:.1}">{}</text>"#,
            right + 11.0,
            place + 4.0,
            Escaped(&label(line))
        );
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
}
