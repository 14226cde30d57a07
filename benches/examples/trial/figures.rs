//! What the reports say of the arms of a trial.

use std::path::Path;

use clearpage_cli::report::{Backing, Cell, Report, Temperature};

/// A primitive that may serve.
#[derive(Clone)]
pub struct Arm {
    /// Its name.
    pub name: String,
    cells: Vec<Cell>,
    /// How many times as slow as its figures it is.
    slower: f64,
}

impl Arm {
    fn new(report: &Report, name: &str, temperature: Temperature) -> Option<Self> {
        let here = |cell: &&Cell| {
            let place = &cell.place;
            let same = place.temperature == temperature && place.backing == Backing::Thp;
            same && place.threads == 1 && cell.contender == name
        };
        let mut cells: Vec<Cell> = report.cells.iter().filter(here).cloned().collect();
        cells.sort_by_key(|cell| cell.place.size);
        (!cells.is_empty()).then(|| Self { name: name.to_owned(), cells, slower: 1.0 })
    }

    /// Nanoseconds for `size` bytes, and their deviation as a share of that. Between two sizes that
    /// were measured, by the logarithms.
    pub fn at(&self, size: usize) -> (f64, f64) {
        let last = self.cells.len() - 1;
        let above = self.cells.iter().position(|cell| cell.place.size >= size).unwrap_or(last);
        let (low, high) = (&self.cells[above.saturating_sub(1)], &self.cells[above]);
        let log = |size: usize| (size as f64).ln();
        let span = log(high.place.size) - log(low.place.size);
        let t = if span > 0.0 { (log(size) - log(low.place.size)) / span } else { 1.0 };
        let mix = |low: f64, high: f64| low + t * (high - low);
        let ns = mix(low.ns.ln(), high.ns.ln()).exp() * self.slower;
        (ns, mix(low.ns_mad / low.ns, high.ns_mad / high.ns))
    }
}

/// Whether the plan should be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Yes: criterion (a).
    Wrong,
    /// No: criterion (b).
    Right,
    /// No, and the rival is the plan made 5 % slower: the hardest case of criterion (c).
    Made,
}

/// One trial.
pub struct Scenario {
    /// The report that the figures are from.
    pub report: String,
    /// Bytes a large clear.
    pub size: usize,
    /// What the plan is.
    pub table: Table,
    /// The plan, then its rivals.
    pub arms: Vec<Arm>,
    /// The arms on memory that is in the cache, and on fresh memory, where the report has them.
    pub elsewhere: [Option<Vec<Arm>>; 2],
    /// Nanoseconds of the fastest primitive.
    pub envelope: f64,
}

impl Scenario {
    /// Whether a rival is `rep stosb`: what a third mechanism would be.
    pub fn has_third(&self) -> bool {
        self.arms[1..].iter().any(|arm| arm.name == "stosb")
    }

    /// The time of the plan, and of the fastest arm.
    pub fn times(&self) -> (f64, f64) {
        let times = self.arms.iter().map(|arm| arm.at(self.size).0);
        (self.arms[0].at(self.size).0, times.fold(f64::INFINITY, f64::min))
    }
}

const SIZES: [usize; 3] = [256 << 10, 1 << 20, 64 << 20];
const TRIALS: [(Table, &[&str]); 8] = [
    (Table::Wrong, &["clzero_abreast", "movntdq_avx2"]),
    (Table::Wrong, &["stosb", "movntdq_avx2"]),
    (Table::Wrong, &["movnti", "movntdq_avx2"]),
    (Table::Right, &["clzero_abreast", "movntdq_avx2"]),
    (Table::Right, &["movntdq_avx2", "clzero"]),
    (Table::Right, &["movntdq_avx2", "stosb"]),
    (Table::Right, &["movntdq_avx2", "clzero", "stosb"]),
    (Table::Made, &["movntdq_avx2", "movntdq_avx2"]),
];

/// All trials that the figures of a report allow.
pub fn scenarios(report: &Report, path: &Path) -> Vec<Scenario> {
    let all = SIZES.into_iter().flat_map(|size| TRIALS.map(|trial| (size, trial)));
    all.filter_map(|(size, (table, names))| scenario(report, path, size, table, names)).collect()
}

fn scenario(
    report: &Report,
    path: &Path,
    size: usize,
    table: Table,
    names: &[&str],
) -> Option<Scenario> {
    let arms = |temperature| {
        let arms = names.iter().map(|name| Arm::new(report, name, temperature));
        let mut arms = arms.collect::<Option<Vec<_>>>()?;
        if table == Table::Made {
            arms[1].slower = 1.05;
            arms[1].name = "it x 1.05".to_owned();
        }
        Some(arms)
    };
    let here = |cell: &&Cell| {
        let place = &cell.place;
        cell.primitive && place.size == size && place.temperature == Temperature::Cold
    };
    let envelope = report.cells.iter().filter(here).map(|cell| cell.ns).min_by(f64::total_cmp)?;
    let elsewhere = [Temperature::Hot, Temperature::Fault].map(arms);
    let report = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let arms = arms(Temperature::Cold)?;
    let scenario = Scenario { report, size, table, arms, elsewhere, envelope };
    let (plan, best) = scenario.times();
    // Within 15 % of its rival no plan is wrong: the same plan is right on Zen 5, wrong on Zen 4.
    let fits = table == Table::Made || (plan >= 1.15 * best) == (table == Table::Wrong);
    fits.then_some(scenario)
}
