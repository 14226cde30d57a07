//! A heat map of contenders and sizes, coloured by the ratio to the fastest primitive. It is a
//! table: the number is written in each cell, and a reader of tables reads it.

use std::collections::HashMap;
use std::fmt::Write;

use super::text::{Escaped, breakable, percent};
use crate::harness::units::format_size;
use crate::report::Cell;
use crate::report::group::{Group, Index, PLAN, contenders, sizes};

/// Steps of colour, 0 included, up to the envelope: 5 % each.
const STEPS: usize = 20;
/// Steps that are darker than the middle between black and white.
const DARK: usize = 10;
/// Colours from 0 to the envelope. Lightness rises throughout, for print and for readers who do not
/// see colours. Most colour-blind readers can distinguish blue and yellow (cf. Nuñez, Anderton
/// and Renslow, "Optimizing colormaps with consideration for color vision deficiency", 2018).
const RAMP: [[f64; 3]; 3] = [[0.0, 32.0, 76.0], [126.0, 126.0, 126.0], [255.0, 234.0, 70.0]];

pub fn heatmap(group: &Group, cells: &[&Cell]) -> String {
    let (sizes, index) = (sizes(cells), Index::new(cells));
    let mut out = String::new();
    let _ = write!(
        out,
        "<div class=\"scroll\"><table class=\"heat\" aria-label=\"{}: per cent of the fastest \
         primitive\">\n<caption>Per cent of the fastest primitive’s speed. Framed: the fastest; * = the \
         plan’s choice. Rows by their mean</caption>\n<thead><tr><th scope=\"col\">contender</th>",
        Escaped(&group.name())
    );
    for &size in &sizes {
        let _ = write!(out, "<th scope=\"col\">{}</th>", format_size(size as u64));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for name in by_mean(cells) {
        let class = if name == PLAN { " class=\"plan\"" } else { "" };
        let _ = write!(out, "<tr{class}><th scope=\"row\">{}</th>", breakable(name));
        for &size in &sizes {
            let best = index.best(size);
            let cell = index.find(name, size);
            out.push_str(&field(cell, cell.zip(best).is_some_and(|(a, b)| std::ptr::eq(a, b))));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
    out
}

/// Returns the contenders by falling mean of their ratios, the plan first.
fn by_mean<'a>(cells: &[&'a Cell]) -> Vec<&'a str> {
    let mut sums = HashMap::<&str, (f64, usize)>::new();
    for cell in cells {
        if let Some(ratio) = cell.of_envelope.filter(|ratio| ratio.is_finite()) {
            let sum = sums.entry(&cell.contender).or_default();
            *sum = (sum.0 + ratio, sum.1 + 1);
        }
    }
    let mean = |name: &str| sums.get(name).map_or(0.0, |&(sum, n)| sum / n as f64);
    let mut names = contenders(cells.iter().copied());
    names.sort_by(|a, b| {
        let plan = (*b == PLAN).cmp(&(*a == PLAN));
        plan.then_with(|| mean(b).total_cmp(&mean(a)))
    });
    names
}

fn field(cell: Option<&Cell>, fastest: bool) -> String {
    let Some((cell, ratio)) = cell.and_then(|cell| cell.of_envelope.map(|ratio| (cell, ratio)))
    else {
        return "<td></td>".to_owned();
    };
    let mark = if cell.planned { "*" } else { "" };
    let best = if fastest { " best" } else { "" };
    format!("<td class=\"h{}{best}\">{}{mark}</td>", step(ratio), percent(ratio))
}

fn step(ratio: f64) -> usize {
    // What is no number is 0.
    (ratio.clamp(0.0, 1.0) * STEPS as f64).round() as usize
}

/// The classes of the steps.
pub fn css() -> String {
    let rule = |step| {
        let [red, green, blue] = colour(step).map(|part| part.round() as u8);
        // Of black and white, the one with more contrast.
        let ink = if step < DARK { "#fff" } else { "#000" };
        format!(".h{step} {{ background: #{red:02x}{green:02x}{blue:02x}; color: {ink}; }}\n")
    };
    (0..=STEPS).map(rule).collect()
}

fn colour(step: usize) -> [f64; 3] {
    let place = step as f64 / STEPS as f64 * (RAMP.len() - 1) as f64;
    let from = (place as usize).min(RAMP.len() - 2);
    std::array::from_fn(|i| {
        RAMP[from][i] + (RAMP[from + 1][i] - RAMP[from][i]) * (place - from as f64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_have_a_step() {
        let cases =
            [(0.0, 0), (0.5, 10), (0.98, 20), (1.0, 20), (1.3, 20), (-1.0, 0), (f64::NAN, 0)];
        for (ratio, expected) in cases {
            assert_eq!(step(ratio), expected, "{ratio}");
        }
    }
}
