//! `Tuning::measure`: the crossings by trying.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::cpu;
use crate::intent::Intent;
use crate::page::{PAGE_SHIFT, Page};
use crate::primitive::{Available, primitives};
use crate::tuning::Tuning;

/// No new trial is begun after this: with the one under way, and the first touch of the memory
/// before it, well under 200 ms.
const BUDGET: Duration = Duration::from_millis(140);
/// Another primitive takes over from the detected one when it is better by this much: noise is
/// less, on most machines.
const LEAD: f64 = 1.04;
/// A primitive that is further behind than this wherever it is probed is not tried again.
const HOPELESS: f64 = 1.5;

impl Tuning {
    /// What is fastest on this CPU, found by trying: takes less than 200 ms and up to 64 MiB of
    /// memory for that time. Hot and Cold are judged by clearing, Auto by clearing cold memory and
    /// then reading and writing every line of it.
    ///
    /// It is what [`detect`](Tuning::detect) makes, changed where another primitive is clearly
    /// faster. Machines are noisy: measure once, look at it, save it.
    pub fn measure() -> Self {
        let start = Instant::now();
        let last = cpu::caches().l3.max(cpu::caches().l2);
        let span = (2 * last).clamp(16 << 20, 64 << 20);
        let mut trials = Trials { memory: zeroed(span), at: 0, deadline: start + BUDGET };
        let detected = Self::detect();
        let rows = trials.promising(&detected);

        let mut tuning = detected;
        for (intent, from, by, trial) in [
            (Intent::Hot, 512, 2, Trial::Hot),
            (Intent::Cold, 4096, 2, Trial::Cold),
            (Intent::Auto, 4096, 4, Trial::Used),
        ] {
            let lengths = std::iter::successors(Some(from), |len| Some(len * by));
            let mut next = from;
            for len in lengths.take_while(|&len| len <= span) {
                let Some(times) = trials.all(&rows, len, trial) else { break };
                let incumbent = detected.choose(intent, len);
                let time = |row| times.iter().find(|t| t.0 == row).map_or(f64::MAX, |t| t.1);
                let fastest = times.iter().min_by(|a, b| a.1.total_cmp(&b.1)).map(|t| t.0);
                let better = fastest.filter(|&row| time(row) * LEAD < time(incumbent));
                tuning = tuning.then(intent, len, better.unwrap_or(incumbent));
                next = len * by;
            }
            // Past what was tried, as detected.
            tuning = tuning.then(intent, next, detected.choose(intent, next));
            for (from, row) in detected.steps(intent).filter(|step| step.0 > next) {
                tuning = tuning.then(intent, from, row);
            }
        }
        tuning
    }
}

/// `bytes` of memory, touched.
fn zeroed(bytes: usize) -> Vec<Page> {
    let npages = bytes >> PAGE_SHIFT;
    let mut pages = Vec::with_capacity(npages);
    crate::clear_pages_uninit(&mut pages.spare_capacity_mut()[..npages]);
    // SAFETY: so many were initialised just now.
    unsafe { pages.set_len(npages) };
    pages
}

/// What is tried.
#[derive(Clone, Copy)]
enum Trial {
    /// The same bytes again and again.
    Hot,
    /// The next bytes of a walk.
    Cold,
    /// The next bytes of a walk, and then every line read and written.
    Used,
}

struct Trials {
    memory: Vec<Page>,
    /// Where the walk through cold memory goes on: what it comes back to was pushed out.
    at: usize,
    deadline: Instant,
}

impl Trials {
    /// The rows that are not far behind everywhere, and those of `detected`.
    fn promising(&mut self, detected: &Tuning) -> Vec<Available> {
        let all: Vec<_> = primitives().iter().filter_map(|p| p.available().ok()).collect();
        let steps = Intent::ALL.into_iter().flat_map(|intent| detected.steps(intent));
        let mut good: Vec<_> = steps.map(|step| step.1).collect();
        for (len, trial) in
            [(4096, Trial::Hot), (1 << 20, Trial::Hot), (4096, Trial::Cold), (65536, Trial::Cold)]
        {
            let times = self.all(&all, len, trial).unwrap_or_default();
            let best = times.iter().map(|t| t.1).fold(f64::MAX, f64::min);
            good.extend(times.into_iter().filter(|t| t.1 < best * HOPELESS).map(|t| t.0));
        }
        all.into_iter().filter(|row| good.contains(row)).collect()
    }

    /// The best of two trials of every row, in turn; `None` past the deadline.
    fn all(
        &mut self,
        rows: &[Available],
        len: usize,
        trial: Trial,
    ) -> Option<Vec<(Available, f64)>> {
        let mut times: Vec<_> = rows.iter().map(|&row| (row, f64::MAX)).collect();
        for _ in 0..2 {
            for (row, best) in &mut times {
                if Instant::now() > self.deadline {
                    return None;
                }
                *best = best.min(self.time(*row, len, trial));
            }
        }
        Some(times)
    }

    /// Time of one call on `len` bytes, in nanoseconds.
    fn time(&mut self, row: Available, len: usize, trial: Trial) -> f64 {
        // SAFETY: pages are nothing but bytes.
        let bytes = unsafe { self.memory.align_to_mut::<u8>().1 };
        let calls = match trial {
            Trial::Hot => ((128 << 10) / len).max(1),
            Trial::Cold | Trial::Used => (bytes.len() / 8 / len).max(1),
        };
        if self.at + calls * len > bytes.len() {
            self.at = 0;
        }
        let stretch = match trial {
            Trial::Hot => &mut bytes[..len],
            Trial::Cold | Trial::Used => {
                let stretch = &mut bytes[self.at..self.at + calls * len];
                self.at += calls * len;
                stretch
            }
        };
        if let Trial::Hot = trial {
            row.zero_bytes(stretch);
        }
        let start = Instant::now();
        match trial {
            Trial::Hot => (0..calls).for_each(|_| row.zero_bytes(black_box(&mut *stretch))),
            Trial::Cold => stretch.chunks_exact_mut(len).for_each(|bytes| row.zero_bytes(bytes)),
            Trial::Used => stretch.chunks_exact_mut(len).for_each(|bytes| {
                row.zero_bytes(bytes);
                for line in bytes.chunks_mut(64) {
                    line[0] = black_box(line[0]).wrapping_add(1);
                }
            }),
        }
        start.elapsed().as_nanos() as f64 / calls as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measured_tuning_is_one_of_this_cpu() {
        let measured = Tuning::measure();
        assert_eq!(measured.to_string().parse::<Tuning>(), Ok(measured));
        for intent in Intent::ALL {
            let steps: Vec<_> = measured.steps(intent).collect();
            assert_eq!(steps[0].0, 0);
            assert!(steps.iter().all(|(_, row)| row.primitive().available().is_ok()));
        }
    }
}
