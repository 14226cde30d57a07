//! Tests whether `clearpage_os::measure` corrects the worst tuning: `cargo bench --bench tune`.
//!
//! The benchmark measures every primitive at every size, which gives the envelope. Then it starts ten
//! measurements from the tuning with the slowest primitive at every place, on the idle machine and
//! with a busy loop on every CPU, and compares each resulting tuning with the envelope.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use clearpage::{Intent, PAGE_SIZE, Primitive, Tuning};
use clearpage_benches::{Promises, pinned};
use clearpage_cli::harness::Judgement;
use clearpage_cli::harness::Temperature::{Cold, Reuse, Use};
use clearpage_cli::harness::contender::{Contender, contenders};
use clearpage_cli::harness::crew::Crew;
use clearpage_cli::harness::measure::{self, Case, Effort};
use clearpage_cli::harness::memory::Arena;
use clearpage_cli::harness::table::ruled;
use clearpage_cli::harness::units::format_size;
use clearpage_cli::harness::{Backing, Place, Report, SCHEMA};

/// Measurements on the idle and on the busy machine, each.
const RUNS: usize = 10;
/// Time budget of a measurement.
const BUDGET: Duration = Duration::from_millis(1700);
/// Rounds of the envelope.
const ROUNDS: usize = 9;

fn main() {
    let report = envelope();
    let wrong = slowest(&report);
    for intent in Intent::ALL {
        let steps = wrong.steps(intent).map(|(from, row)| format!("{} from {from}", row.name()));
        println!("{}: {}", intent.name(), steps.collect::<Vec<_>>().join(", "));
    }
    let mut promises = Promises::default();
    let mut table = ruled();
    table.set_header(["", "seconds", "open", "auto", "hot", "cold", "worst place"]);
    for (what, busy) in [("idle", false), ("busy", true)] {
        let stop = AtomicBool::new(false);
        std::thread::scope(|threads| {
            let cpus = std::thread::available_parallelism().map_or(1, usize::from);
            for _ in 0..if busy { cpus } else { 0 } {
                threads.spawn(|| {
                    while !stop.load(Relaxed) {
                        std::hint::spin_loop();
                    }
                });
            }
            let (mut good, mut longest) = (0, 0.0_f64);
            for _ in 0..RUNS {
                let start = Instant::now();
                let measured = clearpage_os::measure(&wrong, BUDGET);
                let tuning = measured.tuning();
                let seconds = start.elapsed().as_secs_f64();
                let judgement = judge(&report, &tuning);
                let means = Intent::ALL.map(|intent| judgement.mean(intent).expect("judged").0);
                let open = measured.unanswered().len().to_string();
                let share = |share: f64| format!("{share:.3}");
                let worst = &judgement.places[0];
                let (intent, at) = (worst.intent.name(), format_size(worst.place.size as u64));
                let worst = format!("{} {intent} {at} {}", share(worst.share), worst.chosen);
                let figures = means.map(share).into_iter().chain([worst]);
                let first = [what.to_owned(), format!("{seconds:.2}"), open];
                table.add_row(first.into_iter().chain(figures));
                good += usize::from(means.iter().all(|&mean| mean >= 0.95));
                longest = longest.max(seconds);
            }
            stop.store(true, Relaxed);
            let reached = format!("{what}: runs of {RUNS} that reach 0.95 of the envelope");
            promises.at_least(&reached, good as f64, 9.0);
            promises.at_least(&format!("{what}: 2 s to the longest run"), 2.0 / longest, 1.0);
        });
    }
    let before = judge(&report, &wrong);
    let means = Intent::ALL.map(|i| format!("{:.3}", before.mean(i).expect("judged").0));
    println!("before: auto {}, hot {}, cold {} of the envelope", means[0], means[1], means[2]);
    println!("{table}");
    promises.print();
}

fn judge(report: &Report, tuning: &Tuning) -> Judgement {
    Judgement::by(report, 0.9, |intent, len| Some(tuning.choose(intent, len).name().to_owned()))
}

/// Measures every primitive at every size, cold, in use and in reuse.
fn envelope() -> Report {
    let (machine, heading) = pinned();
    println!("{heading}, {ROUNDS} rounds");
    let contenders: Vec<Contender> =
        contenders().into_iter().filter(Contender::is_primitive).collect();
    let walk = (8 * machine.facts.l3).max(256 << 20);
    let sizes = (12..=27).map(|shift| 1_usize << shift).filter(|&size| size >= PAGE_SIZE);
    let cases: Vec<Case> = sizes.flat_map(|s| [Cold, Use, Reuse].map(|t| (s, t))).collect();
    let mut arena = Arena::new(walk);
    measure::warm_up(arena.pages());
    let effort = Effort { rounds: ROUNDS, fewest: ROUNDS, limit: Duration::MAX, walk };
    let mut crew = Crew::alone(arena);
    let never = AtomicBool::new(false);
    let measured = measure::measure(&mut crew, &contenders, &cases, effort, &never, |_, _| {});
    let (backing, temperature) = (Backing::Thp, Cold);
    let place = Place { cpu: None, threads: 1, backing, temperature, size: 0 };
    let (cells, overhead) = measure::figures(&contenders, &cases, place, &measured);
    Report {
        schema: SCHEMA,
        version: String::new(),
        command: Vec::new(),
        started: 0,
        complete: true,
        machine,
        page_size: PAGE_SIZE,
        plan: Vec::new(),
        warnings: Vec::new(),
        cells,
        overhead,
    }
}

fn can_be_chosen(row: &'static Primitive) -> bool {
    row.available().is_ok() && !row.sets_tags()
}

/// Returns the tuning that is slowest for every intent at every size.
fn slowest(report: &Report) -> Tuning {
    let rows: Vec<&'static Primitive> =
        clearpage::primitives().iter().filter(|row| can_be_chosen(row)).collect();
    let of = |row: &'static Primitive| (row, judge(report, &Tuning::uniform(row)));
    let judged: Vec<_> = rows.into_iter().map(of).collect();
    let mut tuning = Tuning::uniform(judged[0].0);
    for intent in Intent::ALL {
        for shift in 0..usize::BITS {
            let len = 1_usize << shift;
            // The least share of all places of that size, or of the nearest size.
            let share = |judgement: &Judgement| {
                let near = |place: &Place| place.size.ilog2().abs_diff(shift);
                let of_intent = || judgement.places.iter().filter(|p| p.intent == intent);
                let nearest = of_intent().map(|p| near(&p.place)).min();
                let places = of_intent().filter(|p| Some(near(&p.place)) == nearest);
                places.map(|p| p.share).fold(f64::INFINITY, f64::min)
            };
            let worst = judged.iter().min_by(|a, b| share(&a.1).total_cmp(&share(&b.1)));
            tuning = tuning.with_step(intent, len, worst.expect("a row").0);
        }
    }
    tuning
}
