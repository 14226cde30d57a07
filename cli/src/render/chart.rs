//! Charts of throughput against size.

use std::collections::HashMap;

use super::family::Family;
use super::picture::Picture;
use super::plot::{Frame, Line, Plot, Point};
use super::scale::{drawable, ticks};
use super::text::short;
use crate::harness::units::format_size;
use crate::report::group::{Group, contenders};
use crate::report::{Cell, Report};

/// Returns the axes of all charts of a report, which are the same so that heights can be compared.
pub fn frame(report: &Report) -> Option<Frame> {
    let speeds = || report.cells.iter().map(|cell| cell.gb_per_s).filter(|&speed| drawable(speed));
    let first = speeds().next()?;
    let points = report.cells.iter().filter(|cell| drawable(cell.gb_per_s));
    let points = points.map(|cell| (cell.place.size.max(1) as f64, cell.gb_per_s));
    let Frame { sizes, values } = Frame::around((first, first), points);
    let levels = ticks(values.0, values.1);
    Some(Frame { sizes, values: (levels[0], levels[levels.len() - 1]) })
}

/// Draws the chart of a group, or returns `None` if it has no points.
pub fn chart(report: &Report, frame: Frame, (group, cells): (&Group, &[&Cell])) -> Option<Picture> {
    let lines = lines(cells, |cell| {
        let (size, speed) = (format_size(cell.place.size as u64), short(cell.gb_per_s));
        let title = format!("{}, {size}: {speed} GB/s", cell.contender);
        Some((cell.gb_per_s, cell.ns_mad / cell.ns, title))
    });
    let points = || lines.iter().flat_map(|line| &line.points);
    let (smallest, largest) =
        (points().map(|point| point.size).min()?, points().map(|point| point.size).max()?);
    let fastest = points()
        .filter(|point| point.size == largest)
        .max_by(|a, b| a.value.total_cmp(&b.value))?;
    let description = format!(
        "Throughput in GB/s against the size of a call, from {} to {}, both axes logarithmic: {} \
         lines. The fastest at the largest size is {}. All figures are in the table.",
        format_size(smallest as u64),
        format_size(largest as u64),
        lines.len(),
        fastest.title
    );
    let levels = ticks(frame.values.0, frame.values.1);
    let levels = levels.into_iter().map(|level| (level, tick(level))).collect();
    let (caches, unit) = (&report.machine.facts, "GB/s");
    let plot = Plot { unit, frame, levels, baseline: None, lines: &lines, caches, rows: &[] };
    let (body, height) = plot.draw();
    Some(Picture { title: group.name(), description, height, body, chart: true })
}

/// Returns a line for each contender of some cells, of the value, the spread and the title of each cell
/// that has them.
pub fn lines(cells: &[&Cell], point: impl Fn(&Cell) -> Option<(f64, f64, String)>) -> Vec<Line> {
    let mut of = HashMap::<&str, (Family, Vec<Point>)>::new();
    for cell in cells {
        let place = of.entry(&cell.contender).or_insert_with(|| (Family::of(cell), Vec::new()));
        let size = cell.place.size;
        let point = point(cell).filter(|point| size > 0 && drawable(point.0));
        if let Some((value, spread, title)) = point {
            // A broken report may have any.
            let spread = if drawable(spread) { spread.min(1.0) } else { 0.0 };
            place.1.push(Point { size, value, spread, title });
        }
    }
    let line = |name: &str| {
        let (family, mut points) = of.remove(name)?;
        points.sort_by_key(|point| point.size);
        points.dedup_by_key(|point| point.size);
        (!points.is_empty()).then_some(Line { family, points })
    };
    contenders(cells.iter().copied()).into_iter().filter_map(line).collect()
}

/// Formats a round value without trailing zeros.
fn tick(level: f64) -> String {
    if (1e-3..1e5).contains(&level) { format!("{level}") } else { format!("{level:e}") }
}
