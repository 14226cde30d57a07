//! How many times as fast as `memset` and as one call a page clearpage is: the first picture of a
//! report.

use super::chart::lines;
use super::family::Family;
use super::picture::Picture;
use super::plot::{Frame, Plot, Row};
use super::scale::{drawable, ticks};
use super::summary::main_groups;
use super::text::{times, times_range};
use crate::harness::units::format_size;
use crate::report::group::{Group, Index, sizes};
use crate::report::{Cell, Report, Temperature};

/// The values of the axis, unless a report has others.
const VALUES: (f64, f64) = (0.25, 4.0);

/// The names of the rows below the axis.
pub const OF_MEMSET: &str = "× memset";
pub const OF_PER_PAGE: &str = "× a page";

/// One temperature of the machine: what clearpage is compared with.
#[derive(Debug)]
pub struct Comparison<'a> {
    pub group: Group,
    pub cells: Vec<&'a Cell>,
    /// Size, and speed as a multiple of the contender's.
    pub of_memset: Vec<(usize, f64)>,
    pub of_per_page: Vec<(usize, f64)>,
}

/// Returns the comparisons of hot and cold memory that have both clearpage and `memset`.
pub fn comparisons(report: &Report) -> Vec<Comparison<'_>> {
    let wanted = |group: &Group| matches!(group.temperature, Temperature::Hot | Temperature::Cold);
    let groups = main_groups(report).into_iter().filter(|(group, _)| wanted(group));
    let comparisons = groups.map(|(group, cells)| Comparison {
        of_memset: ratios(&cells, Family::Memset),
        of_per_page: ratios(&cells, Family::PerPage),
        group,
        cells,
    });
    comparisons.filter(|comparison| !comparison.of_memset.is_empty()).collect()
}

fn ratios(cells: &[&Cell], other: Family) -> Vec<(usize, f64)> {
    let first = |family: Family| cells.iter().find(move |cell| Family::of(cell) == family);
    let Some((clearpage, other)) = first(Family::Clearpage).zip(first(other)) else {
        return Vec::new();
    };
    let index = Index::new(cells);
    let ratio = |size: usize| {
        let (ours, theirs) =
            (index.find(&clearpage.contender, size)?, index.find(&other.contender, size)?);
        Some((size, theirs.ns / ours.ns)).filter(|ratio| size > 0 && drawable(ratio.1))
    };
    sizes(cells).into_iter().filter_map(ratio).collect()
}

/// Returns the axes that the pictures of several reports share. They hold the emphasised lines; others
/// may leave them.
pub fn frame<'a>(reports: impl IntoIterator<Item = &'a Report>) -> Frame {
    let comparisons: Vec<_> = reports.into_iter().flat_map(comparisons).collect();
    let points = comparisons.iter().flat_map(|comparison| {
        let of_memset = comparison.of_memset.iter().map(|&(size, ratio)| (size as f64, ratio));
        let per_page = comparison.of_memset.iter().filter_map(|&(size, ratio)| {
            let others = &comparison.of_per_page;
            let other = others.binary_search_by_key(&size, |figure| figure.0).ok()?;
            Some((size as f64, ratio / others[other].1)).filter(|point| drawable(point.1))
        });
        of_memset.chain(per_page).collect::<Vec<_>>()
    });
    let frame = Frame::around(VALUES, points);
    let low = 2_f64.powf(frame.values.0.log2().floor());
    let high = 2_f64.powf(frame.values.1.log2().ceil());
    Frame { values: (low, high), ..frame }
}

/// Draws a picture for each temperature.
pub fn pictures(report: &Report, frame: Frame) -> Vec<Picture> {
    comparisons(report).iter().map(|comparison| picture(report, frame, comparison)).collect()
}

fn picture(report: &Report, frame: Frame, comparison: &Comparison<'_>) -> Picture {
    let Comparison { group, cells, of_memset, of_per_page } = comparison;
    let index = Index::new(cells);
    let memset = cells.iter().find(|cell| Family::of(cell) == Family::Memset);
    let lines = lines(cells, |cell| {
        let memset = index.find(&memset?.contender, cell.place.size)?;
        if Family::of(cell) == Family::Memset {
            return Some((1.0, 0.0, String::new()));
        }
        let (ratio, deviation) = (memset.ns / cell.ns, |cell: &Cell| cell.ns_mad / cell.ns);
        let spread = deviation(cell).hypot(deviation(memset));
        let (name, size) = (&cell.contender, format_size(cell.place.size as u64));
        Some((ratio, spread, format!("{name}, {size}: {} times memset", times(ratio))))
    });
    let figures = |ratios: &[(usize, f64)]| {
        ratios.iter().map(|&(size, ratio)| (size, times(ratio))).collect()
    };
    let mut rows = vec![Row { name: OF_MEMSET, figures: figures(of_memset) }];
    if !of_per_page.is_empty() {
        rows.push(Row { name: OF_PER_PAGE, figures: figures(of_per_page) });
    }
    let caches = &report.machine.facts;
    let (levels, baseline) = (levels(frame.values), Some(1.0));
    let plot = Plot { unit: "", frame, levels, baseline, lines: &lines, caches, rows: &rows };
    let (body, height) = plot.draw();
    let ends = of_memset.first().zip(of_memset.last());
    let ends = ends.map_or_else(String::new, |(first, last)| {
        format!(", from {} to {}", format_size(first.0 as u64), format_size(last.0 as u64))
    });
    let per_page = times_range(of_per_page);
    let per_page = per_page
        .map_or_else(String::new, |range| format!(", {range} times as fast as one call a page"));
    let description = format!(
        "clearpage is {} times as fast as memset{per_page}{ends}. Both axes are logarithmic; memset is the bold line at 1.",
        times_range(of_memset).unwrap_or_default()
    );
    let title = format!("{}: times as fast as memset ({})", group.work(), group.setup());
    Picture { title, description, height, body, chart: true }
}

/// The powers of two of the axis, or round values if those are too many.
fn levels((low, high): (f64, f64)) -> Vec<(f64, String)> {
    const MOST: f64 = 8.0;
    let levels = if (high / low).log2() > MOST {
        ticks(low, high).into_iter().filter(|level| (low..=high).contains(level)).collect()
    } else {
        let powers = low.log2().round() as i32..=high.log2().round() as i32;
        powers.map(|power| 2_f64.powi(power)).collect::<Vec<_>>()
    };
    levels.into_iter().map(|level| (level, format!("{level}×"))).collect()
}
