//! What was measured: the tables are printed from it and the JSON is it.

use clearpage::Intent;
use serde::Serialize;

use crate::machine::Machine;

/// Changes when a field changes its meaning or goes.
pub const SCHEMA: u32 = 1;

/// What the memory was like before it was cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Temperature {
    /// The same memory again and again: in the cache as far as it fits.
    Hot,
    /// A walk through more memory than the caches hold.
    Cold,
}

impl Temperature {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Hot, Self::Cold];

    /// The intent of somebody who knows.
    pub const fn intent(self) -> Intent {
        match self {
            Self::Hot => Intent::Hot,
            Self::Cold => Intent::Cold,
        }
    }

    /// `hot` or `cold`.
    pub const fn name(self) -> &'static str {
        self.intent().name()
    }
}

/// One contender at one size and temperature. Times are of one call, in nanoseconds.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    /// Who cleared.
    pub contender: String,
    /// Hot or cold.
    pub temperature: Temperature,
    /// Bytes a call.
    pub size: usize,
    /// Median of the samples.
    pub ns: f64,
    /// Median absolute deviation of the samples from their median.
    pub ns_mad: f64,
    /// 10^9 bytes a second, by the median.
    pub gb_per_s: f64,
    /// Nanoseconds a page, by the median.
    pub ns_per_page: f64,
    /// Ticks of the time stamp counter a page, by the median, where there is one.
    pub tsc_cycles_per_page: Option<f64>,
    /// Samples taken.
    pub samples: usize,
    /// Whether the plan serves this size and temperature by this primitive.
    pub planned: bool,
}

/// A whole run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Version of this tool.
    pub version: &'static str,
    /// Where it ran.
    pub machine: Machine,
    /// The CPU it was pinned to.
    pub cpu: Option<usize>,
    /// Bytes a page of this build.
    pub page_size: usize,
    /// What to keep in mind when reading the figures.
    pub warnings: Vec<String>,
    /// The figures.
    pub cells: Vec<Cell>,
}
