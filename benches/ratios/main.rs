//! Measures the envelope and the promises of the crate in one run on the same memory:
//! `cargo bench --bench ratios`. It reports for each promise whether this machine reached it, and
//! never fails.

mod shapes;

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clearpage::PAGE_SIZE;
use clearpage_benches::{Promises, Samples, pinned};
use clearpage_cli::harness::Temperature::{self, Cold, Hot, Reuse, Use};
use clearpage_cli::harness::contender::{Contender, contenders};
use clearpage_cli::harness::crew::Crew;
use clearpage_cli::harness::measure::{self, Case, Effort};
use clearpage_cli::harness::memory::Arena;
use clearpage_cli::harness::progress::progress;
use clearpage_cli::harness::table::ruled;
use clearpage_cli::harness::units::format_size;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const GIB: usize = 1 << 30;
/// Samples per figure.
const ROUNDS: usize = 21;

/// Sizes of the envelope.
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
    GIB,
];

const PLAN: &str = "plan";
const MEMSET: &str = "libc memset";
const PER_PAGE: &str = "stosb a page";

fn main() {
    if PAGE_SIZE > 4 * KIB {
        println!("the promises are about pages of 4 KiB");
        return;
    }
    let (machine, heading) = pinned();
    let unknown = |fact: Option<String>| fact.unwrap_or_else(|| "unknown".to_owned());
    let microarchitecture = unknown(machine.microarchitecture);
    println!("{heading}, {microarchitecture}, {}", unknown(machine.c_library));
    let hypervisor = machine.hypervisor.as_deref().unwrap_or("no");
    let walk = (8 * machine.facts.l3).max(256 * MIB);
    let memory = format_size(walk.max(GIB) as u64);
    println!("{hypervisor} hypervisor, {ROUNDS} rounds; this takes some six minutes and {memory}");
    let mut arena = Arena::new(walk.max(GIB));
    measure::warm_up(arena.pages());

    let mut promises = Promises::default();
    if std::env::args().any(|arg| arg == "short") {
        shapes::short(&mut promises, arena.pages());
        promises.print();
        return;
    }
    let mut crew = Crew::alone(arena);
    let envelope = Envelope::measure(&mut crew, walk, machine.facts.l2);
    envelope.print();
    envelope.promise(&mut promises, Lead::of(&microarchitecture));
    let arena = crew.arena().expect("a crew of one owns its arena");
    shapes::promise(&mut promises, &mut arena.pages()[..walk / PAGE_SIZE]);
    promises.print();
}

/// The promised lead of Cold on memory that is not in the cache. It depends on the CPU: `rep stosb`
/// of Zen 4 fetches every line first, that of Zen 5 does not from 16 KiB on.
struct Lead {
    /// Against `memset`, from 64 KiB to 8 MiB.
    memset: f64,
    /// Against one `rep stosb` a page, from 64 KiB to 8 MiB.
    per_page: f64,
    /// The same at 2 MiB.
    huge: f64,
}

impl Lead {
    fn of(microarchitecture: &str) -> Self {
        match microarchitecture {
            "Zen 4" => Self { memset: 2.2, per_page: 2.2, huge: 2.7 },
            "Zen 5" => Self { memset: 1.55, per_page: 2.2, huge: 3.3 },
            _ => Self { memset: 1.5, per_page: 1.5, huge: 2.0 },
        }
    }
}

/// The samples of every contender at every size and temperature.
struct Envelope {
    contenders: Vec<Contender>,
    cases: Vec<(Case, Samples)>,
    /// Bytes of second-level cache: clearing alone is judged up to there.
    l2: usize,
}

impl Envelope {
    fn measure(crew: &mut Crew, walk: usize, l2: usize) -> Self {
        let contenders = contenders();
        let effort = Effort { rounds: ROUNDS, fewest: ROUNDS, limit: Duration::MAX, walk };
        let temperatures = [Cold, Use, Reuse, Hot].into_iter();
        let cases: Vec<Case> = temperatures.flat_map(|t| SIZES.map(|size| (size, t))).collect();
        let never = AtomicBool::new(false);
        let bar = progress(ROUNDS * cases.len());
        let step = |done, _| bar.set_position(done as u64);
        let measured = measure::measure(crew, &contenders, &cases, effort, &never, step);
        bar.finish_and_clear();
        let named = |times| {
            let names = contenders.iter().map(|contender| contender.name.clone());
            Samples(names.zip(times).collect())
        };
        let cases = cases.iter().copied().zip(measured.times.into_iter().map(named)).collect();
        Self { cases, contenders, l2 }
    }

    /// Prints for each case the best primitive, the choice of the plan and the ratios of their times.
    fn print(&self) {
        let mut table = ruled();
        let titles = ["", "size", "best", "GB/s", "plan's choice", "GB/s", "to best", "to memset"];
        table.set_header(titles);
        for ((size, temperature), samples) in &self.cases {
            let best = self.best(samples);
            let speed = |name| format!("{:.0}", *size as f64 / samples.median(name));
            let ratio = |rival| format!("{:.2}", samples.ratio(PLAN, rival));
            table.add_row([
                temperature.name(),
                &format_size(*size as u64),
                best,
                &speed(best),
                clearpage::primitive_for(temperature.intent(), *size).name(),
                &speed(PLAN),
                &ratio(best),
                &ratio(MEMSET),
            ]);
        }
        println!("{table}");
        println!(
            "to best, to memset: the median of the ratios in each round, not the ratio of the medians"
        );
    }

    fn best<'s>(&'s self, samples: &Samples) -> &'s str {
        let leaves = self.contenders.iter().filter(|contender| contender.is_primitive());
        samples.best(leaves.map(|leaf| &*leaf.name))
    }

    fn promise(&self, promises: &mut Promises, lead: Lead) {
        let from_16k = |&size: &usize| size >= 16 * KIB;
        self.of_envelope("cold from 16 KiB", &[Cold], from_16k, (0.92, 0.96), promises);
        self.of_envelope("hot, use and reuse", &[Use, Reuse], |_| true, (0.93, 0.97), promises);

        let mut promise = |what: &str,
                           temperatures: &[Temperature],
                           sizes: &dyn Fn(usize) -> bool,
                           rival,
                           least| {
            let asked = self.cases.iter().filter(|((size, temperature), _)| {
                temperatures.contains(temperature) && sizes(*size)
            });
            let ratios = asked.map(|(case, samples)| (samples.ratio(PLAN, rival), case));
            let (ratio, (size, temperature)) = ratios.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
            let at = format!("{} {}", temperature.name(), format_size(*size as u64));
            promises.at_least(&format!("{what}, worst ({at})"), ratio, least);
        };
        promise("cold: plan to memset", &[Cold], &|_| true, MEMSET, 0.97);
        let l2 = self.l2;
        promise("hot up to L2: plan to memset", &[Hot], &|size| size <= l2, MEMSET, 0.97);
        promise("use or reuse alone: plan to memset", &[Use, Reuse], &|_| true, MEMSET, 0.9);
        let middle = |size| (64 * KIB..=8 * MIB).contains(&size);
        promise("cold 64 KiB to 8 MiB: plan to memset", &[Cold], &middle, MEMSET, lead.memset);
        let what = "cold 64 KiB to 8 MiB: plan to stosb a page";
        promise(what, &[Cold], &middle, PER_PAGE, lead.per_page);
        let huge = |size| size == 2 * MIB;
        promise("cold: plan to stosb a page", &[Cold], &huge, PER_PAGE, lead.huge);
        // Hot is judged by the mean of both slowdowns, each relative to the best primitive.
        let both = |size: usize, name: &str| {
            let slowdown = |temperature| {
                let samples = self.at((size, temperature));
                1.0 / samples.ratio(name, self.best(samples))
            };
            slowdown(Use) + slowdown(Reuse)
        };
        let ratios = SIZES.map(|size| (both(size, MEMSET) / both(size, PLAN), size));
        let (ratio, size) = ratios.into_iter().min_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
        let what = format!("use and reuse: plan to memset, worst ({})", format_size(size as u64));
        promises.at_least(&what, ratio, 0.97);
        let per_byte = |size: usize| self.at((size, Cold)).median(PLAN) / size as f64;
        let growth = per_byte(8 * MIB) / per_byte(GIB);
        promises.at_least("cold: time a byte at 8 MiB to that at 1 GiB", growth, 0.9);
    }

    /// Promises the plan's share of the envelope at these temperatures and sizes, worst and mean.
    fn of_envelope(
        &self,
        what: &str,
        temperatures: &[Temperature],
        sizes: impl Fn(&usize) -> bool,
        (worst, mean): (f64, f64),
        promises: &mut Promises,
    ) {
        let asked = self.cases.iter();
        let asked = asked.filter(|(case, _)| temperatures.contains(&case.1) && sizes(&case.0));
        let shares: Vec<_> =
            asked.map(|(case, samples)| (samples.ratio(PLAN, self.best(samples)), case)).collect();
        let (least, case) = shares.iter().min_by(|a, b| a.0.total_cmp(&b.0)).expect("a case");
        let at = format!("{} {}", case.1.name(), format_size(case.0 as u64));
        promises.at_least(
            &format!("{what}: plan to the best primitive, worst ({at})"),
            *least,
            worst,
        );
        let sum: f64 = shares.iter().map(|share| share.0).sum();
        let what = format!("{what}: plan to the best primitive, mean");
        promises.at_least(&what, sum / shares.len() as f64, mean);
    }

    fn at(&self, case: Case) -> &Samples {
        &self.cases.iter().find(|(known, _)| *known == case).expect("a measured case").1
    }
}
