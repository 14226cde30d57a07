//! Bars that compare CPUs: in hybrid and multi-die parts they differ.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::picture::Picture;
use super::plot::WIDTH;
use super::scale::{LEAST, drawable};
use super::text::{Escaped, short};
use crate::harness::units::format_size;
use crate::report::group::{Group, Index, PLAN, groups, sizes};
use crate::report::{Cell, Report};

const LEFT: f64 = 58.0;
/// Above the bars of a size, for its name.
const TOP: f64 = 22.0;
const ROW: f64 = 19.0;
const BAR: f64 = 12.0;
/// Beside the longest bar, for its figures.
const FIGURE: f64 = 100.0;
/// A page, a huge page.
const USUAL: [usize; 2] = [4 << 10, 2 << 20];

/// One CPU's figures of a group.
type Row<'a> = (usize, Vec<&'a Cell>);

/// A picture for each group that several CPUs were measured in one after another.
pub fn bars(report: &Report) -> Vec<Picture> {
    let mut alike = BTreeMap::<Group, Vec<Row<'_>>>::new();
    for (group, cells) in groups(report) {
        if let Some(cpu) = group.cpu {
            alike.entry(Group { cpu: None, ..group }).or_default().push((cpu, cells));
        }
    }
    let several = alike.into_iter().filter(|(_, rows)| rows.len() > 1);
    several.filter_map(|(group, rows)| picture(&group, &rows)).collect()
}

/// At most three sizes, of those that every CPU has: those nearest to a page and to a huge page, and
/// the largest.
fn chosen(rows: &[Row<'_>]) -> Vec<usize> {
    let mut common = sizes(&rows[0].1);
    for (_, cells) in rows {
        let sizes = sizes(cells);
        common.retain(|size| sizes.binary_search(size).is_ok());
    }
    let nearest = |wanted: usize| common.iter().copied().min_by_key(|&size| wanted.abs_diff(size));
    let mut chosen: Vec<_> =
        USUAL.into_iter().filter_map(nearest).chain(common.last().copied()).collect();
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

fn picture(group: &Group, rows: &[Row<'_>]) -> Option<Picture> {
    let chosen = chosen(rows);
    if chosen.is_empty() {
        return None;
    }
    let rows: Vec<_> = rows.iter().map(|(cpu, cells)| (*cpu, Index::new(cells))).collect();
    let mut body = String::new();
    let panel_height = TOP + rows.len() as f64 * ROW + 6.0;
    for (i, &size) in chosen.iter().enumerate() {
        panel(&mut body, &rows, size, i as f64 * panel_height);
    }
    let height = chosen.len() as f64 * panel_height + 18.0;
    let _ = writeln!(
        body,
        r#"<text class="soft" x="{LEFT}" y="{:.1}">bar: clearpage; upright line: the fastest primitive; GB/s of both</text>"#,
        height - 6.0
    );
    let description = format!(
        "A bar for each of {} CPUs at {}: throughput of clearpage, with a line where the \
         fastest primitive is. All figures are in the table.",
        rows.len(),
        chosen.iter().map(|&size| format_size(size as u64)).collect::<Vec<_>>().join(", ")
    );
    Some(Picture {
        title: format!("{}, {}, CPU by CPU", group.work(), group.backing.name()),
        description,
        height,
        body,
        chart: false,
    })
}

/// The bars of one size, from `top` down, to one scale from 0 on.
fn panel(body: &mut String, rows: &[(usize, Index<'_>)], size: usize, top: f64) {
    let speed =
        |cell: Option<&Cell>| cell.map(|cell| cell.gb_per_s).filter(|&speed| drawable(speed));
    let figures: Vec<_> = rows
        .iter()
        .map(|(cpu, index)| (cpu, speed(index.find(PLAN, size)), index.envelope(size)))
        .collect();
    let most = figures
        .iter()
        .flat_map(|&(_, plan, best)| [plan, speed(best)])
        .flatten()
        .fold(LEAST, f64::max);
    let scale = (WIDTH - LEFT - FIGURE) / most;
    let _ = writeln!(
        body,
        r#"<text class="soft" x="{LEFT}" y="{:.1}">{}</text>"#,
        top + 14.0,
        format_size(size as u64)
    );
    for (i, (cpu, plan, best)) in figures.into_iter().enumerate() {
        let y = top + TOP + i as f64 * ROW + (ROW - BAR) / 2.0;
        let _ = writeln!(
            body,
            r#"<text class="end" x="{:.1}" y="{:.1}">CPU {cpu}</text>"#,
            LEFT - 6.0,
            y + 10.0
        );
        let mut end = LEFT;
        if let Some(plan) = plan {
            let long = plan * scale;
            end += long;
            let _ = writeln!(
                body,
                r#"<rect class="bar clearpage" x="{LEFT}" y="{y:.1}" width="{long:.1}" height="{BAR}"><title>CPU {cpu}, plan: {} GB/s</title></rect>"#,
                short(plan)
            );
        }
        if let Some((best, fastest)) = best.zip(speed(best)) {
            let x = LEFT + fastest * scale;
            end = end.max(x);
            let _ = writeln!(
                body,
                r#"<path class="best" d="M{x:.1} {:.1}v{ROW}"><title>CPU {cpu}, {}: {} GB/s</title></path>"#,
                y - (ROW - BAR) / 2.0,
                Escaped(&best.contender),
                short(fastest)
            );
        }
        let _ = writeln!(
            body,
            r#"<text class="figure" x="{:.1}" y="{:.1}">{}</text>"#,
            end + 4.0,
            y + 10.0,
            [plan, speed(best)]
                .map(|speed| speed.map_or_else(|| "–".to_owned(), short))
                .join(" of ")
        );
    }
    let _ = writeln!(
        body,
        r#"<path class="axis" d="M{LEFT} {:.1}v{:.1}"/>"#,
        top + TOP,
        rows.len() as f64 * ROW
    );
}
