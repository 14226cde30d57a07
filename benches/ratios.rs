//! What the crate promises, as ratios measured in one run on the same memory:
//! `cargo bench --bench ratios`. Says for each whether this machine reached it; never fails.
//!
//! A ratio is the median over the rounds of one contender's time to the other's in that round, so
//! that what slows a round down for both is not seen.

use std::collections::HashMap;
use std::time::Duration;

use clearpage::PAGE_SIZE;
use clearpage_cli::contender::contenders;
use clearpage_cli::machine::Machine;
use clearpage_cli::measure::{self, Case, Effort, median};
use clearpage_cli::memory::Arena;
use clearpage_cli::pin::pin;
use clearpage_cli::report::Temperature::{self, Cold, Hot};
use clearpage_cli::table::ruled;
use clearpage_cli::units::format_size;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
/// 4 KiB to 1 GiB: the powers of four, and what the promises name.
const SIZES: [usize; 12] = [
    4 * KIB,
    16 * KIB,
    64 * KIB,
    256 * KIB,
    MIB,
    2 * MIB,
    4 * MIB,
    8 * MIB,
    16 * MIB,
    64 * MIB,
    256 * MIB,
    1 << 30,
];

const PLAN: &str = "plan";
const MEMSET: &str = "libc memset";
const PER_PAGE: &str = "stosb a page";

fn main() {
    if PAGE_SIZE > SIZES[0] {
        println!("the promises are about pages of {}", format_size(SIZES[0] as u64));
        return;
    }
    let cpu = pin(None).ok().flatten();
    let cpu = cpu.map_or("not pinned".to_owned(), |cpu| format!("pinned to CPU {cpu}"));
    let machine = Machine::detect();
    let hypervisor = machine.hypervisor.as_deref().unwrap_or("no");
    println!("{}, {cpu}, {hypervisor} hypervisor", machine.cpu);

    let run = Run::new(machine.l3);
    let small: Vec<_> = [4 * KIB].into();
    let middle: Vec<_> =
        SIZES.into_iter().filter(|size| (64 * KIB..=8 * MIB).contains(size)).collect();
    let mut table = ruled();
    table.set_header(["promise", "ratio", "at least", ""]);
    let mut promise = |what: &str, (ratio, size): (f64, usize), least: f64| {
        let what = format!("{what} (at {})", format_size(size as u64));
        let reached = if ratio >= least { "reached" } else { "NOT reached" };
        table.add_row([what, format!("{ratio:.2}"), least.to_string(), reached.to_owned()]);
    };
    promise("hot, plan to memset", run.worst(&small, Hot, |_| MEMSET), 1.6);
    promise("hot, plan to memset", run.worst(&[16 * KIB], Hot, |_| MEMSET), 1.5);
    promise("hot, plan to the fastest leaf", run.worst(&small, Hot, |c| run.best_leaf(c)), 0.95);
    promise("hot, plan to memset, worst", run.worst(&SIZES, Hot, |_| MEMSET), 0.97);
    promise("cold, plan to memset, worst", run.worst(&SIZES, Cold, |_| MEMSET), 0.97);
    promise("cold, plan to memset, 64 KiB to 8 MiB", run.worst(&middle, Cold, |_| MEMSET), 1.5);
    let per_page = run.worst(&middle, Cold, |_| PER_PAGE);
    promise("cold, plan to one rep stosb a page, 64 KiB to 8 MiB", per_page, 2.7);
    println!("{table}");
}

/// All samples of a run, and which contenders are primitives.
struct Run {
    samples: HashMap<Case, HashMap<String, Vec<f64>>>,
    leaves: Vec<String>,
}

impl Run {
    fn new(l3: usize) -> Self {
        let contenders = contenders();
        let names = || contenders.iter().map(|contender| contender.name.clone());
        let walk = (16 * l3).max(256 * MIB);
        let mut arena = Arena::new(walk.max(1 << 30));
        measure::warm_up(arena.pages());
        let effort = Effort { rounds: 21, limit: Duration::MAX };
        let cases = Temperature::ALL.into_iter().flat_map(|t| SIZES.map(|size| (size, t)));
        let samples = cases.map(|case| {
            let pages = &mut arena.pages()[..walk.max(case.0) / PAGE_SIZE];
            let samples = measure::samples(&contenders, case, effort, pages, |_| {});
            (case, names().zip(samples).collect())
        });
        Self {
            samples: samples.collect(),
            leaves: contenders
                .iter()
                .filter(|c| c.is_primitive())
                .map(|c| c.name.clone())
                .collect(),
        }
    }

    /// How many times as fast as `rival` the plan is at `case`.
    fn ratio(&self, case: Case, rival: &str) -> f64 {
        let of = |name| self.samples[&case].get(name).map_or(&[][..], Vec::as_slice);
        let mut ratios: Vec<_> = of(rival).iter().zip(of(PLAN)).map(|(b, a)| b / a).collect();
        if ratios.is_empty() { f64::NAN } else { median(&mut ratios) }
    }

    /// The smallest ratio over `sizes`, and the size it is at.
    fn worst<'a>(
        &self,
        sizes: &[usize],
        temperature: Temperature,
        rival: impl Fn(Case) -> &'a str,
    ) -> (f64, usize) {
        let ratios = sizes.iter().map(|&size| {
            let case = (size, temperature);
            (self.ratio(case, rival(case)), size)
        });
        ratios.min_by(|a, b| a.0.total_cmp(&b.0)).expect("there is a size")
    }

    /// The primitive with the best median.
    fn best_leaf(&self, case: Case) -> &str {
        let time = |name: &&String| median(&mut self.samples[&case][*name].clone());
        let best = self.leaves.iter().min_by(|a, b| time(a).total_cmp(&time(b)));
        best.expect("there is a primitive")
    }
}
