//! The envelope, and what the crate promises, measured in one run on the same memory:
//! `cargo bench --bench ratios`. Says for each whether this machine reached it; never fails.

mod shapes;

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clearpage::PAGE_SIZE;
use clearpage_benches::{Promises, Samples, pinned};
use clearpage_cli::contender::{Contender, contenders};
use clearpage_cli::crew::Crew;
use clearpage_cli::measure::{self, Case, Effort};
use clearpage_cli::memory::Arena;
use clearpage_cli::report::Temperature::{Cold, Hot};
use clearpage_cli::table::ruled;
use clearpage_cli::units::format_size;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const GIB: usize = 1 << 30;
/// Samples of each figure.
const ROUNDS: usize = 21;

const PLAN: &str = "plan";
const MEMSET: &str = "libc memset";
const PER_PAGE: &str = "stosb a page";
const STOSB: &str = "stosb";

fn main() {
    if PAGE_SIZE > 4 * KIB {
        println!("the promises are about pages of 4 KiB");
        return;
    }
    let (machine, heading) = pinned();
    let hypervisor = machine.hypervisor.as_deref().unwrap_or("no");
    println!("{heading}, {hypervisor} hypervisor, {ROUNDS} rounds");

    let walk = (16 * machine.facts.l3).max(256 * MIB);
    let mut arena = Arena::new(walk.max(GIB));
    measure::warm_up(arena.pages());

    let mut crew = Crew::alone(arena);
    let envelope = Envelope::measure(&mut crew, walk);
    let mut promises = Promises::default();
    envelope.print(&mut promises);
    envelope.promise(&mut promises);
    let arena = crew.arena().expect("its own");
    shapes::promise(&mut promises, &mut arena.pages()[..walk / PAGE_SIZE]);
    promises.print();
}

/// Every contender at every size, hot and cold.
struct Envelope {
    contenders: Vec<Contender>,
    cases: Vec<(Case, Samples)>,
}

impl Envelope {
    fn measure(crew: &mut Crew, walk: usize) -> Self {
        let contenders = contenders();
        let effort = Effort { rounds: ROUNDS, fewest: ROUNDS, limit: Duration::MAX, walk };
        let sizes = (12..=30).map(|shift| 1_usize << shift);
        let cases = [Hot, Cold].into_iter().flat_map(|t| sizes.clone().map(move |s| (s, t)));
        let cases: Vec<Case> = cases.collect();
        let never = AtomicBool::new(false);
        let measured = measure::measure(crew, &contenders, &cases, effort, &never, |_, _| {});
        let named = |times| {
            let names = contenders.iter().map(|contender| contender.name.clone());
            Samples(names.zip(times).collect())
        };
        let cases = cases.iter().copied().zip(measured.times.into_iter().map(named)).collect();
        Self { cases, contenders }
    }

    /// The best primitive, the plan's choice and the ratio of their times, a case a line.
    fn print(&self, promises: &mut Promises) {
        let mut table = ruled();
        table.set_header(["", "size", "best primitive", "GB/s", "plan's choice", "GB/s", "ratio"]);
        for temperature in [Hot, Cold] {
            let mut ratios = Vec::new();
            for (case, samples) in self.cases.iter().filter(|(case, _)| case.1 == temperature) {
                let leaves = self.contenders.iter().filter(|c| c.is_primitive());
                let best = samples.best(leaves.map(|leaf| &*leaf.name));
                let ratio = samples.ratio(PLAN, best);
                let speed = |name| format!("{:.0}", case.0 as f64 / samples.median(name));
                let choice = clearpage::plan(temperature.intent(), case.0).name();
                table.add_row([
                    temperature.name(),
                    &format_size(case.0 as u64),
                    best,
                    &speed(best),
                    choice,
                    &speed(PLAN),
                    &format!("{ratio:.2}"),
                ]);
                ratios.push(ratio);
            }
            let name = temperature.name();
            let worst = ratios.iter().copied().fold(f64::INFINITY, f64::min);
            let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
            promises.at_least(&format!("{name}: plan to the best primitive, worst"), worst, 0.95);
            promises.at_least(&format!("{name}: plan to the best primitive, mean"), mean, 0.98);
        }
        println!("{table}");
    }

    fn promise(&self, promises: &mut Promises) {
        let mut promise = |what: &str, temperature, sizes: &[usize], rival, least| {
            let at = |size: &usize| (self.at((*size, temperature)).ratio(PLAN, rival), *size);
            let (ratio, size) = sizes.iter().map(at).min_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
            let what = format!("{what} (at {})", format_size(size as u64));
            promises.at_least(&what, ratio, least);
        };
        let sizes = |from: usize, to: usize| -> Vec<usize> {
            std::iter::successors(Some(from), |size| Some(2 * size))
                .take_while(|&s| s <= to)
                .collect()
        };
        promise("hot: plan to memset, worst", Hot, &sizes(4 * KIB, GIB), MEMSET, 0.97);
        promise("cold: plan to memset, worst", Cold, &sizes(4 * KIB, GIB), MEMSET, 0.97);
        promise("hot 4 KiB: plan to memset", Hot, &[4 * KIB], MEMSET, 1.7);
        promise("hot 16 KiB: plan to memset", Hot, &[16 * KIB], MEMSET, 1.55);
        promise("cold 64 KiB: plan to memset", Cold, &[64 * KIB], MEMSET, 1.65);
        promise(
            "cold 256 KiB to 8 MiB: plan to memset",
            Cold,
            &sizes(256 * KIB, 8 * MIB),
            MEMSET,
            1.85,
        );
        promise(
            "cold 64 KiB to 8 MiB: plan to stosb a page",
            Cold,
            &sizes(64 * KIB, 8 * MIB),
            PER_PAGE,
            2.7,
        );
        promise("cold 2 MiB: plan to stosb a page", Cold, &[2 * MIB], PER_PAGE, 3.3);
        promise("cold 2 MiB: plan to one stosb", Cold, &[2 * MIB], STOSB, 1.85);
        let per_byte = |size: usize| self.at((size, Cold)).median(PLAN) / size as f64;
        let growth = per_byte(8 * MIB) / per_byte(GIB);
        promises.at_least("cold: time a byte at 8 MiB to that at 1 GiB", growth, 0.9);
    }

    fn at(&self, case: Case) -> &Samples {
        &self.cases.iter().find(|(known, _)| *known == case).expect("a measured case").1
    }
}
