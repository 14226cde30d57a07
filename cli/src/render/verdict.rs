//! Whether the default plan suits the machine of a report.

use super::text::{Escaped, percent, times_range};
use super::times::comparisons;
use crate::harness::measure::median;
use crate::report::group::PLAN;
use crate::report::{Place, Report};

/// The shares of the fastest primitive's speed that suit a machine: the least, and the median.
const FLOOR: f64 = 0.90;
const MEDIAN: f64 = 0.95;
/// The share of figures below the floor that is still fair.
const BELOW: f64 = 0.2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    Good,
    /// Below the floor in places.
    Fair,
    Poor,
}

/// The plan's share of the speed of the fastest primitive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    pub median: f64,
    pub least: f64,
    /// The place of the least.
    pub place: Place,
    /// Figures, and those of them below the floor.
    pub figures: usize,
    pub below: usize,
}

impl Share {
    /// Returns the share over all judged places, or `None` if the plan was not measured.
    pub fn of(report: &Report) -> Option<Self> {
        let l2 = report.machine.facts.l2;
        let judged = report
            .cells
            .iter()
            .filter(|cell| cell.contender == PLAN && cell.place.is_judged(l2))
            .filter_map(|cell| Some((cell.of_envelope?, cell.place)))
            .filter(|(share, _)| share.is_finite());
        let shares: Vec<_> = judged.collect();
        let &(least, place) = shares.iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
        let mut all: Vec<f64> = shares.iter().map(|share| share.0).collect();
        let below = all.iter().filter(|&&share| share < FLOOR).count();
        Some(Self { median: median(&mut all), least, place, figures: all.len(), below })
    }

    pub fn grade(&self) -> Grade {
        let fair = self.median >= MEDIAN && self.below as f64 <= BELOW * self.figures as f64;
        match (fair, self.below) {
            (true, 0) => Grade::Good,
            (true, _) => Grade::Fair,
            (false, _) => Grade::Poor,
        }
    }
}

/// Returns the verdict as HTML, or nothing if the plan was not measured.
pub fn html(report: &Report) -> String {
    let mut lines = Vec::new();
    for comparison in comparisons(report) {
        let range = |ratios| times_range(ratios).map(|range| format!("{range} times as fast as"));
        if let Some(memset) = range(&comparison.of_memset) {
            let per_page = range(&comparison.of_per_page);
            let per_page =
                per_page.map_or_else(String::new, |range| format!(", {range} one call a page"));
            let work = comparison.group.work();
            lines.push(format!("<strong>{work}: {memset} <code>memset</code></strong>{per_page}."));
        }
    }
    let share = Share::of(report);
    lines.extend(share.map(|share| plan(&share)));
    let class = match share.map(|share| share.grade()) {
        Some(Grade::Good) => " good",
        Some(Grade::Fair) => " fair",
        Some(Grade::Poor) => " poor",
        None => "",
    };
    match lines.is_empty() {
        true => String::new(),
        false => format!("<p class=\"verdict{class}\">{}</p>\n", lines.join("<br/>\n")),
    }
}

fn plan(share: &Share) -> String {
    let Share { below, figures, .. } = share;
    let advice = match share.grade() {
        Grade::Good => "The plan suits this machine.".to_owned(),
        Grade::Fair => format!(
            "The plan is fair: at {below} of {figures} figures another primitive is more than 10 % \
             faster. <code>clearpage tune</code> measures a plan for this machine."
        ),
        Grade::Poor => {
            "The plan does not suit this machine: run <code>clearpage tune</code>, which \
                        measures a better one."
                .to_owned()
        }
    };
    format!(
        "{advice} It reaches {}&#160;% of the fastest primitive’s speed (median of {figures} figures), \
         and {}&#160;% at the least ({}).",
        percent(share.median),
        percent(share.least),
        Escaped(&share.place.to_string())
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::load::load;

    #[test]
    fn the_grade_follows_the_median_and_the_floor() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut report = load(&path.join("../results/amd-epyc-zen5-kvm.json")).unwrap();
        let mut graded = |shares: &[f64]| {
            report.cells.retain(|cell| cell.contender == PLAN);
            let places = report.cells.iter_mut().filter(|cell| cell.place.is_judged(1 << 20));
            for (i, cell) in places.enumerate() {
                cell.of_envelope = Some(shares[i.min(shares.len() - 1)]);
            }
            let share = Share::of(&report).unwrap();
            assert_eq!(html(&report).contains("clearpage tune"), share.grade() != Grade::Good);
            share.grade()
        };
        assert_eq!(graded(&[0.91, 0.96]), Grade::Good);
        assert_eq!(graded(&[0.89, 0.96]), Grade::Fair);
        assert_eq!(graded(&[0.94]), Grade::Poor);
        let (few, many) = ([[0.89; 7], [0.96; 7]].concat(), [[0.89; 8], [0.96; 8]].concat());
        assert_eq!(graded(&few), Grade::Fair);
        assert_eq!(graded(&many), Grade::Poor);
    }
}
