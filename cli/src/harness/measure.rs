//! Measures contenders: each clears the same memory in turn, case after case and round after round,
//! so that a disturbance affects all of them. A figure is the median.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use clearpage::{PAGE_SIZE, Page};

use crate::UserError;
use crate::harness::contender::{Contender, Kind};
use crate::harness::crew::Crew;
use crate::harness::rounds::Orders;
use crate::harness::sample::{HOT_TIME, Sample};
use crate::report::{Cell, Overhead, Place, Temperature};

/// Bytes of a call, and the state of the memory before it.
pub type Case = (usize, Temperature);

/// How much to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Maximum number of rounds through all cases.
    pub rounds: usize,
    /// Minimum number of rounds, even past the limit. If 0, cases that are not measured soon after
    /// the limit are left out.
    pub fewest: usize,
    /// About how long all rounds take together.
    pub limit: Duration,
    /// Bytes that a walk through cold memory takes in, or one call if that is more.
    pub walk: usize,
}

/// Why measuring ended.
#[derive(Debug)]
pub enum End {
    /// All was measured.
    Complete,
    /// The caller set the stop flag.
    Interrupted,
    /// Not even one round was completed in time.
    TooSlow,
    /// An error.
    Failed(UserError),
}

/// Times of one call in nanoseconds, and why there are no more of them.
#[derive(Debug)]
pub struct Measured {
    /// By case and contender.
    pub times: Vec<Vec<Vec<f64>>>,
    /// Rounds that the times are of, by case and contender.
    pub rounds: Vec<Vec<usize>>,
    /// Those of the contender that does nothing, by case.
    pub empty: Vec<Vec<f64>>,
    /// Why it ended.
    pub end: End,
}

/// Clears `pages` for 200 ms, until an idle CPU runs at full clock. Returns bytes a nanosecond, of the
/// fastest call: another process may run during any.
pub fn warm_up(pages: &mut [Page]) -> f64 {
    let start = Instant::now();
    let mut speed = 0.0_f64;
    loop {
        let call = Instant::now();
        clearpage::clear_pages(std::hint::black_box(&mut *pages));
        speed = speed.max(size_of_val(pages) as f64 / call.elapsed().as_nanos().max(1) as f64);
        if start.elapsed() > Duration::from_millis(200) {
            return speed;
        }
    }
}

/// Measures all `contenders` in all `cases`, until `stop` is set. `step` receives the number of
/// completed cases and their total, counted in every round.
pub fn measure(
    crew: &mut Crew,
    contenders: &[Contender],
    cases: &[Case],
    effort: Effort,
    stop: &AtomicBool,
    mut step: impl FnMut(usize, usize),
) -> Measured {
    let start = Instant::now();
    let by_case = || vec![Vec::new(); cases.len()];
    let times = vec![vec![Vec::new(); contenders.len()]; cases.len()];
    let rounds = vec![vec![0; contenders.len()]; cases.len()];
    let measured = Measured { times, rounds, empty: by_case(), end: End::Complete };
    let calls = vec![vec![None; contenders.len()]; cases.len()];
    let random = fastrand::Rng::with_seed(1);
    let orders = Orders::new(contenders.len());
    let mut race = Race { crew, contenders, effort, stop, start, calls, orders, random, measured };
    let mut rounds = effort.rounds;
    let mut round = 0;
    while round < rounds {
        for (i, &case) in cases.iter().enumerate() {
            if let Err(end) = race.round(i, case) {
                return Measured { end, ..race.measured };
            }
            step(round * cases.len() + i + 1, rounds * cases.len());
        }
        round += 1;
        let affordable = effort.limit.div_duration_f64(start.elapsed()) * round as f64;
        rounds = (affordable as usize).max(effort.fewest).max(round).min(effort.rounds);
    }
    race.measured
}

struct Race<'a> {
    crew: &'a mut Crew,
    contenders: &'a [Contender],
    effort: Effort,
    stop: &'a AtomicBool,
    start: Instant,
    /// Calls that make a time of hot clearing, once they are known.
    calls: Vec<Vec<Option<usize>>>,
    orders: Orders,
    random: fastrand::Rng,
    measured: Measured,
}

impl Race<'_> {
    /// A sample of every contender.
    fn round(&mut self, i: usize, (size, temperature): Case) -> Result<(), End> {
        // Hot memory is elsewhere every round: some places share the cache better than others.
        let (walk, seed) = (self.effort.walk, self.random.u64(..));
        let sample = move |kind, calls| Sample { kind, temperature, size, calls, seed, walk };
        for c in self.orders.shuffle().to_vec() {
            let kind = self.contenders[c].kind;
            let calls = match self.calls[i][c] {
                Some(calls) => calls,
                None if !temperature.is_warm() => 1,
                None => {
                    let times = self.take(&sample(kind, 1))?;
                    let fastest = times.iter().copied().fold(f64::INFINITY, f64::min).max(1.0);
                    (HOT_TIME.as_nanos() as f64 / fastest).max(1.0) as usize
                }
            };
            self.calls[i][c] = Some(calls);
            let times = self.take(&sample(kind, calls))?;
            self.measured.times[i][c].extend(times);
            self.measured.rounds[i][c] += 1;
        }
        // As many calls as the fastest makes.
        let calls = self.calls[i].iter().copied().flatten().max().unwrap_or(1);
        let times = self.take(&sample(Kind::Empty, calls))?;
        self.measured.empty[i].extend(times);
        Ok(())
    }

    fn take(&mut self, sample: &Sample) -> Result<Vec<f64>, End> {
        if self.stop.load(Relaxed) {
            return Err(End::Interrupted);
        }
        let late = self.start.elapsed() > self.effort.limit.saturating_mul(5) / 4;
        if self.effort.fewest == 0 && late {
            return Err(End::TooSlow);
        }
        self.crew.take(sample).map_err(End::Failed)
    }
}

/// The figures of every contender that was measured at all, and what the tool added to them; each
/// case is at `place`, but for its temperature and size.
pub fn figures(
    contenders: &[Contender],
    cases: &[Case],
    place: Place,
    measured: &Measured,
) -> (Vec<Cell>, Vec<Overhead>) {
    let (mut cells, mut overhead) = (Vec::new(), Vec::new());
    let all = cases.iter().zip(&measured.times).zip(&measured.rounds).zip(&measured.empty);
    for (((&(size, temperature), times), rounds), empty) in all {
        let place = Place { size, temperature, ..place };
        let of_case = contenders.iter().zip(times).zip(rounds);
        let of_case = of_case.filter(|((_, times), _)| !times.is_empty());
        let of_case: Vec<_> = of_case
            .map(|((who, times), rounds)| cell(who, place, times.clone(), *rounds))
            .collect();
        let shortest = of_case.iter().map(|cell| cell.ns).fold(f64::INFINITY, f64::min);
        if !empty.is_empty() {
            let ns = median(&mut empty.clone());
            overhead.push(Overhead { place, ns, share: ns / shortest });
        }
        cells.extend(of_case);
    }
    (cells, overhead)
}

fn cell(contender: &Contender, place: Place, mut times: Vec<f64>, rounds: usize) -> Cell {
    let samples = times.len();
    let (ns, ns_mad) = median_and_deviation(&mut times);
    let ns_per_page = ns / (place.size / PAGE_SIZE) as f64;
    Cell {
        contender: contender.name.clone(),
        place,
        primitive: contender.is_primitive(),
        planned: contender.planned(place.temperature, place.size),
        ns,
        ns_mad,
        gb_per_s: (place.size * place.threads) as f64 / ns,
        ns_per_page,
        tsc_cycles_per_page: tsc_ghz().map(|ghz| ns_per_page * ghz),
        of_envelope: None,
        samples,
        rounds: Some(rounds),
    }
}

/// Returns the median. Sorts the values.
///
/// # Panics
/// If `values` is empty.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    }
}

/// Returns the median and the median absolute deviation from it. Sorts the values.
///
/// # Panics
/// If `values` is empty.
pub fn median_and_deviation(values: &mut [f64]) -> (f64, f64) {
    let middle = median(values);
    let mut deviations: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    (middle, median(&mut deviations))
}

/// Returns the ticks of the time stamp counter a nanosecond, measured once.
#[cfg(target_arch = "x86_64")]
pub fn tsc_ghz() -> Option<f64> {
    use std::arch::x86_64::_rdtsc;
    static GHZ: std::sync::OnceLock<f64> = std::sync::OnceLock::new();
    Some(*GHZ.get_or_init(|| {
        // SAFETY: every x86_64 CPU has a time stamp counter, and user code may read it.
        let now = || (unsafe { _rdtsc() }, Instant::now());
        let (ticks, start) = now();
        std::thread::sleep(Duration::from_millis(50));
        let (later, end) = now();
        (later - ticks) as f64 / (end - start).as_nanos() as f64
    }))
}

/// Returns `None`: programs cannot read a cycle counter on this target.
#[cfg(not(target_arch = "x86_64"))]
pub fn tsc_ghz() -> Option<f64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::contender::contenders;
    use crate::harness::memory::Arena;
    use crate::report::Backing;

    const PLACE: Place = Place {
        cpu: None,
        threads: 1,
        backing: Backing::Thp,
        temperature: Temperature::Hot,
        size: 0,
    };
    const CASES: [Case; 3] = [
        (2 * PAGE_SIZE, Temperature::Hot),
        (2 * PAGE_SIZE, Temperature::Cold),
        (2 * PAGE_SIZE, Temperature::Use),
    ];

    fn effort(rounds: usize, fewest: usize, limit: Duration) -> Effort {
        Effort { rounds, fewest, limit, walk: 1 << 20 }
    }

    fn run(effort: Effort, stop: bool) -> (Measured, Vec<(usize, usize)>) {
        let mut crew = Crew::alone(Arena::new(1 << 20));
        let mut steps = Vec::new();
        let stop = AtomicBool::new(stop);
        let step = |done, of| steps.push((done, of));
        (measure(&mut crew, &contenders(), &CASES, effort, &stop, step), steps)
    }

    #[test]
    fn the_median_is_the_middle_value() {
        assert_eq!(median(&mut [3.0]), 3.0);
        assert_eq!(median(&mut [5.0, 1.0, 3.0]), 3.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 100.0]), 3.0);
    }

    #[test]
    fn every_case_has_a_figure_of_every_contender() {
        let (measured, steps) = run(effort(2, 2, Duration::ZERO), false);
        assert!(matches!(measured.end, End::Complete), "{:?}", measured.end);
        assert_eq!(steps, (1..=6).map(|done| (done, 6)).collect::<Vec<_>>());
        let (mut cells, overhead) = figures(&contenders(), &CASES, PLACE, &measured);
        crate::report::compare_to_envelope(&mut cells);
        assert_eq!((cells.len(), overhead.len()), (3 * contenders().len(), 3));
        for cell in &cells {
            assert!(cell.samples >= 2 && cell.ns > 0.0 && cell.ns_mad >= 0.0, "{cell:?}");
            assert_eq!(cell.rounds, Some(2));
            assert!((cell.gb_per_s * cell.ns - cell.place.size as f64).abs() < 1.0);
            assert!((cell.ns_per_page * 2.0 - cell.ns).abs() < 1e-6);
        }
        assert_eq!(cells.iter().filter(|cell| cell.planned).count(), 3);
    }

    #[test]
    fn rounds_end_when_the_time_is_over() {
        let (measured, _) = run(effort(1000, 3, Duration::from_millis(1)), false);
        assert!(matches!(measured.end, End::Complete), "{:?}", measured.end);
        // A walk of a megabyte is a single time.
        assert!(measured.times[1].iter().all(|times| times.len() == 3), "{measured:?}");
    }

    #[test]
    fn an_early_end_keeps_the_finished_measurements() {
        let (measured, steps) = run(effort(3, 3, Duration::MAX), true);
        assert!(matches!(measured.end, End::Interrupted), "{:?}", measured.end);
        assert!(steps.is_empty());
        let (cells, overhead) = figures(&contenders(), &CASES, PLACE, &measured);
        assert!(cells.is_empty() && overhead.is_empty());
        let (measured, _) = run(effort(3, 0, Duration::ZERO), false);
        assert!(matches!(measured.end, End::TooSlow), "{:?}", measured.end);
    }
}
