//! How a figure is made: every contender of a cell clears the same memory in turn, round after
//! round, so that whatever else the machine does meets all of them; the median is kept.

use std::hint::black_box;
use std::time::{Duration, Instant};

use clearpage::{PAGE_SIZE, Page};

use crate::contender::{Contender, Each};
use crate::report::{Backing, Cell, Place, Temperature};

/// A sample of hot clearing takes about this long.
const HOT_SAMPLE: Duration = Duration::from_micros(1500);
/// Fewer are no median.
const FEWEST_ROUNDS: usize = 3;

/// Bytes a call, and what the memory is like before it.
pub type Case = (usize, Temperature);

/// How much to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Samples of each contender.
    pub rounds: usize,
    /// No new round of a size and temperature is begun after this, if there are three.
    pub limit: Duration,
}

/// Clears the same pages `calls` times; the time of one call in nanoseconds.
struct Hot<'a> {
    pages: &'a mut [Page],
    calls: usize,
}

impl Each<f64> for Hot<'_> {
    fn call(self, mut clear: impl FnMut(&mut [Page])) -> f64 {
        let start = Instant::now();
        for _ in 0..self.calls {
            clear(black_box(self.pages));
        }
        start.elapsed().as_nanos() as f64 / self.calls as f64
    }
}

/// Walks through all pages once, `npages` a call; the time of one call in nanoseconds.
///
/// All, because one stretch of memory is not as fast as another; and once through several times
/// what the caches hold, so that a sample pays for the lines that it leaves behind and not for
/// those of the contender before it.
struct Cold<'a> {
    pages: &'a mut [Page],
    npages: usize,
}

impl Each<f64> for Cold<'_> {
    fn call(self, mut clear: impl FnMut(&mut [Page])) -> f64 {
        let calls = self.pages.len() / self.npages;
        let start = Instant::now();
        for chunk in self.pages.chunks_exact_mut(self.npages) {
            clear(black_box(chunk));
        }
        start.elapsed().as_nanos() as f64 / calls as f64
    }
}

/// Works for a moment, until the clock of an idle CPU is up.
pub fn warm_up(pages: &mut [Page]) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(200) {
        clearpage::clear_pages(black_box(&mut *pages));
    }
}

/// Measures all `contenders` at one size and temperature in `pages`, which is what a cold walk
/// goes through. `step` is called after each round with how many are over.
pub fn cells(
    contenders: &[Contender],
    case: Case,
    effort: Effort,
    pages: &mut [Page],
    step: impl FnMut(usize),
) -> Vec<Cell> {
    let samples = samples(contenders, case, effort, pages, step);
    contenders.iter().zip(samples).map(|(who, samples)| summary(who, case, samples)).collect()
}

/// Times of one call in nanoseconds: for each contender a sample of each round.
pub fn samples(
    contenders: &[Contender],
    (size, temperature): Case,
    effort: Effort,
    pages: &mut [Page],
    mut step: impl FnMut(usize),
) -> Vec<Vec<f64>> {
    let npages = size / PAGE_SIZE;
    let mut sample = |contender: &Contender, calls| {
        let (kind, intent) = (contender.kind, temperature.intent());
        match temperature {
            Temperature::Hot => kind.with(intent, Hot { pages: &mut pages[..npages], calls }),
            _ => kind.with(intent, Cold { pages: &mut *pages, npages }),
        }
    };
    let calls: Vec<usize> = contenders
        .iter()
        .map(|contender| match temperature {
            Temperature::Hot => {
                sample(contender, 1); // fetches the memory
                (HOT_SAMPLE.as_nanos() as f64 / sample(contender, 1).max(1.0)) as usize + 1
            }
            _ => 1,
        })
        .collect();
    let mut samples = vec![Vec::new(); contenders.len()];
    let mut order: Vec<usize> = (0..contenders.len()).collect();
    let mut random = fastrand::Rng::with_seed(size as u64);
    let start = Instant::now();
    for round in 0..effort.rounds {
        if round >= FEWEST_ROUNDS && start.elapsed() > effort.limit {
            break;
        }
        // Nobody is always behind the same neighbour.
        random.shuffle(&mut order);
        for &i in &order {
            if temperature == Temperature::Hot {
                sample(&contenders[i], 1); // a non-temporal neighbour may have left it cold
            }
            samples[i].push(sample(&contenders[i], calls[i]));
        }
        step(round + 1);
    }
    samples
}

fn summary(contender: &Contender, (size, temperature): Case, mut samples: Vec<f64>) -> Cell {
    let taken = samples.len();
    let ns = median(&mut samples);
    let mut deviations: Vec<f64> = samples.iter().map(|sample| (sample - ns).abs()).collect();
    let ns_per_page = ns / (size / PAGE_SIZE) as f64;
    let place = Place { cpu: None, threads: 1, backing: Backing::Thp, temperature, size };
    Cell {
        contender: contender.name.clone(),
        place,
        primitive: contender.is_primitive(),
        planned: contender.planned(temperature, size),
        ns,
        ns_mad: median(&mut deviations),
        gb_per_s: size as f64 / ns,
        ns_per_page,
        tsc_cycles_per_page: tsc_ghz().map(|ghz| ns_per_page * ghz),
        of_envelope: None,
        samples: taken,
    }
}

/// The middle value, or the mean of the two in the middle. Sorts.
///
/// # Panics
/// If there is none.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    }
}

/// Ticks of the time stamp counter a nanosecond, measured once.
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

/// No counter of cycles that every program may read.
#[cfg(not(target_arch = "x86_64"))]
pub fn tsc_ghz() -> Option<f64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&mut [3.0]), 3.0);
        assert_eq!(median(&mut [5.0, 1.0, 3.0]), 3.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 100.0]), 3.0);
    }

    #[test]
    fn a_cell_has_a_figure_of_every_contender() {
        let mut pages = vec![Page::ZERO; 4];
        let contenders = crate::contender::contenders();
        let effort = Effort { rounds: 5, limit: Duration::ZERO };
        for temperature in [Temperature::Hot, Temperature::Cold] {
            let case = (2 * PAGE_SIZE, temperature);
            let mut rounds = 0;
            let cells = cells(&contenders, case, effort, &mut pages, |round| rounds = round);
            assert_eq!((cells.len(), rounds), (contenders.len(), FEWEST_ROUNDS));
            for cell in &cells {
                assert_eq!(cell.samples, FEWEST_ROUNDS);
                assert!(cell.ns > 0.0 && cell.ns_mad >= 0.0);
                assert!((cell.gb_per_s * cell.ns - cell.place.size as f64).abs() < 1.0);
                assert!((cell.ns_per_page * 2.0 - cell.ns).abs() < 1e-6);
            }
            assert_eq!(cells.iter().filter(|cell| cell.planned).count(), 1);
        }
    }
}
