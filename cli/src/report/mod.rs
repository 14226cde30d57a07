//! The report of a run, from which tables, JSON and pictures are made.

pub mod facts;
pub mod group;
mod limits;
pub mod load;

use std::collections::HashMap;
use std::fmt;

use clap::ValueEnum;
use clearpage::{Intent, PAGE_SIZE};
use serde::{Deserialize, Serialize};

use crate::harness::machine::Machine;
use crate::harness::units::format_size;

/// The contenders that are not of this crate.
pub const MEMSET: &str = "libc memset";
pub const FILL: &str = "slice::fill";

/// Changes when a field changes its meaning or goes.
pub const SCHEMA: u32 = 3;

/// The state of the memory before it is cleared, and its use afterwards.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Temperature {
    /// The same memory repeatedly: in the cache if it fits
    Hot,
    /// In the cache: cleared, then every line is read and written; the time is that of both
    Reuse,
    /// A walk through more memory than the caches hold
    Cold,
    /// As cold; then every line is read and written, and the time is that of both
    Use,
    /// Freshly mapped memory: the time includes the page faults
    Fault,
}

impl Temperature {
    /// Returns the intent that a caller should use.
    pub const fn intent(self) -> Intent {
        match self {
            Self::Hot | Self::Reuse | Self::Use | Self::Fault => Intent::Hot,
            Self::Cold => Intent::Cold,
        }
    }

    /// Whether the memory is in the cache when it is cleared, as far as it fits.
    pub const fn is_warm(self) -> bool {
        matches!(self, Self::Hot | Self::Reuse)
    }

    /// `hot`, `reuse`, `cold`, `use` or `fault`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hot => "hot",
            Self::Reuse => "reuse",
            Self::Cold => "cold",
            Self::Use => "use",
            Self::Fault => "fault",
        }
    }
}

/// The pages that the memory is mapped by.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Backing {
    /// The smallest pages of the system
    Base,
    /// Transparent huge pages, if available
    Thp,
    /// Reserved huge pages
    Hugetlb,
}

impl Backing {
    /// `base`, `thp` or `hugetlb`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Thp => "thp",
            Self::Hugetlb => "hugetlb",
        }
    }
}

/// The conditions of a figure. Contenders are compared at the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The CPU of a single pinned thread.
    pub cpu: Option<usize>,
    pub threads: usize,
    pub backing: Backing,
    pub temperature: Temperature,
    pub size: usize,
}

impl Place {
    /// Returns the backing and the CPU or the number of threads: "thp, CPU 1".
    pub fn setup(&self) -> String {
        let who = match (self.threads, self.cpu) {
            (1, Some(cpu)) => format!("CPU {cpu}"),
            (1, None) => "not pinned".to_owned(),
            (threads, _) => format!("{threads} threads"),
        };
        format!("{}, {who}", self.backing.name())
    }

    /// Whether the plan is judged by the figures of this place, on a CPU with a second-level cache
    /// of `l2` bytes. Memory that is cleared again and again and never used is cleared fastest by
    /// leaving nothing in the cache, which no program wants; fresh memory is cleared by the kernel.
    pub const fn is_judged(&self, l2: usize) -> bool {
        match self.temperature {
            Temperature::Cold | Temperature::Use | Temperature::Reuse => true,
            Temperature::Hot => self.size <= l2,
            Temperature::Fault => false,
        }
    }
}

impl fmt::Display for Place {
    /// Writes the parts that seldom differ last: "cold 64 KiB, thp, CPU 0".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = format_size(self.size as u64);
        write!(f, "{} {size}, {}", self.temperature.name(), self.setup())
    }
}

/// One contender at one place. Times are of one call, in nanoseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    pub contender: String,
    #[serde(flatten)]
    pub place: Place,
    /// Whether the contender is a primitive.
    pub primitive: bool,
    /// Whether the plan uses this primitive here.
    pub planned: bool,
    /// Median of the samples.
    pub ns: f64,
    /// Median absolute deviation of the samples from their median.
    pub ns_mad: f64,
    /// 10^9 bytes a second of all threads together, by the median.
    pub gb_per_s: f64,
    /// Nanoseconds a page, by the median.
    pub ns_per_page: f64,
    /// Ticks of the time stamp counter a page, by the median, where there is one.
    pub tsc_cycles_per_page: Option<f64>,
    /// Its speed as a share of the envelope at the same place: of the fastest primitive, or of a
    /// function that calls primitives if that was faster.
    pub of_envelope: Option<f64>,
    pub samples: usize,
    /// Rounds in which the samples were taken: those of one round share a disturbance. Unknown in
    /// old reports.
    #[serde(default)]
    pub rounds: Option<usize>,
}

impl Cell {
    /// Whether it is part of the envelope: a primitive, or a function of this crate. These call
    /// primitives, so only noise makes one faster than all primitives.
    pub fn in_envelope(&self) -> bool {
        ![MEMSET, FILL].contains(&&*self.contender)
    }
}

/// The overhead of the tool at one place, measured with a contender that does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overhead {
    #[serde(flatten)]
    pub place: Place,
    /// Nanoseconds a call, by the median.
    pub ns: f64,
    /// As a share of the shortest time of any contender at this place.
    pub share: f64,
}

/// Sets each cell's [`of_envelope`](Cell::of_envelope), where its place has a primitive.
pub fn compare_to_envelope(cells: &mut [Cell]) {
    let mut envelope: HashMap<Place, (f64, bool)> = HashMap::new();
    for cell in cells.iter().filter(|cell| cell.in_envelope()) {
        let (best, has_primitive) = envelope.entry(cell.place).or_insert((cell.ns, false));
        *best = best.min(cell.ns);
        *has_primitive |= cell.primitive;
    }
    for cell in cells {
        let best = envelope.get(&cell.place).filter(|(_, has_primitive)| *has_primitive);
        cell.of_envelope = best.map(|(best, _)| best / cell.ns);
    }
}

/// Returns the plan of this process for lengths of at least a page.
pub fn plan() -> Vec<PlanRow> {
    // It changes only at powers of two.
    let lengths = (PAGE_SIZE.ilog2()..usize::BITS - 1).map(|shift| 1_usize << shift);
    let rows = Intent::ALL.into_iter().flat_map(|intent| {
        let mut rows: Vec<PlanRow> = lengths
            .clone()
            .map(|from| {
                let primitive = clearpage::primitive_for(intent, from).name().to_owned();
                PlanRow { intent: intent.name().to_owned(), from, primitive }
            })
            .collect();
        rows.dedup_by(|next, row| next.primitive == row.primitive);
        rows
    });
    rows.collect()
}

/// The primitive that the plan uses from a length up to the next row of the same intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRow {
    /// `auto`, `hot` or `cold`.
    pub intent: String,
    pub from: usize,
    pub primitive: String,
}

/// A whole run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub schema: u32,
    /// Version of the tool that measured.
    pub version: String,
    pub command: Vec<String>,
    /// When it began, in seconds since 1970-01-01 UTC.
    pub started: u64,
    /// Whether the whole grid was measured.
    pub complete: bool,
    pub machine: Machine,
    /// Bytes a page of the tool's build.
    pub page_size: usize,
    /// What the plan was.
    pub plan: Vec<PlanRow>,
    /// Conditions that affect the figures.
    pub warnings: Vec<String>,
    pub cells: Vec<Cell>,
    /// The overhead of the tool. Empty in old reports.
    #[serde(default)]
    pub overhead: Vec<Overhead>,
}

impl Report {
    /// Returns the number of samples of each figure: "9", or "3 to 9".
    pub fn samples(&self) -> String {
        let samples = || self.cells.iter().map(|cell| cell.samples);
        match (samples().min(), samples().max()) {
            (Some(fewest), Some(most)) if fewest < most => format!("{fewest} to {most}"),
            (Some(all), _) => all.to_string(),
            _ => "no".to_owned(),
        }
    }
}

/// Returns a report as JSON.
pub fn json<R: Serialize>(report: &R) -> String {
    serde_json::to_string_pretty(report).expect("names of fields are texts") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_is_part_of_the_envelope_and_memset_is_not() {
        let place = Place {
            cpu: Some(0),
            threads: 1,
            backing: Backing::Thp,
            temperature: Temperature::Cold,
            size: 4096,
        };
        let cell = |contender: &str, primitive, ns| Cell {
            contender: contender.to_owned(),
            place,
            primitive,
            planned: false,
            ns,
            ns_mad: 1.0,
            gb_per_s: 4096.0 / ns,
            ns_per_page: ns,
            tsc_cycles_per_page: None,
            of_envelope: None,
            samples: 9,
            rounds: None,
        };
        let mut cells = vec![
            cell("plan", false, 80.0),
            cell("avx2", true, 100.0),
            cell("stosb", true, 160.0),
            cell(MEMSET, false, 40.0),
        ];
        compare_to_envelope(&mut cells);
        let shares: Vec<_> = cells.iter().map(|cell| cell.of_envelope).collect();
        assert_eq!(shares, [1.0, 0.8, 0.5, 2.0].map(Some));
        cells.retain(|cell| !cell.primitive);
        compare_to_envelope(&mut cells);
        assert!(cells.iter().all(|cell| cell.of_envelope.is_none()), "no primitive was measured");
    }
}
