//! The race: times primitives in turn on memory that is in the state that a question asks for.

use std::hint::black_box;
use std::ptr::NonNull;
use std::time::Instant;

use super::{Case, Clock, Question};
use crate::prefault::HugePages;
use crate::raw::prefault;
use clearpage::{AvailablePrimitive, PAGE_SHIFT, Page, Primitive, StoreKind};

/// Samples per primitive. The first one is discarded.
const SAMPLES: usize = 8;
/// Samples per primitive for calls that are longer than [`STRETCH`].
const LONG_SAMPLES: usize = 5;
/// A primitive slower than the fastest by [`DOMINATED`] after this many samples is dropped.
const TRIED: usize = 3;
const DOMINATED: f64 = 1.5;
/// Bytes per sample, or one call if that is longer: 0.1 to 0.4 ms.
const STRETCH: usize = 8 << 20;

/// The times of one primitive.
#[derive(Clone, Debug)]
pub(super) struct Times {
    pub(super) primitive: &'static Primitive,
    /// Nanoseconds per call, one entry per round. In each round the primitives run in turn. A
    /// primitive that is much slower than the fastest is dropped after a few rounds.
    pub(super) rounds: Vec<f64>,
}

impl Times {
    /// Returns the median; the lower one if there are two middle values.
    pub(super) fn median(&self) -> f64 {
        let mut times = self.rounds.clone();
        times.sort_by(f64::total_cmp);
        times[(times.len() - 1) / 2]
    }
}

/// The memory that primitives are timed on.
pub(super) struct Track {
    pages: Vec<Page>,
    /// Offset at which the walk continues. When the walk wraps, the memory there is evicted.
    at: usize,
}

impl Track {
    /// Allocates `bytes` of memory and faults it in; `None` if the system has less.
    pub(super) fn new(bytes: usize) -> Option<Self> {
        let npages = bytes >> PAGE_SHIFT;
        let mut pages: Vec<Page> = Vec::new();
        pages.try_reserve_exact(npages).ok()?;
        let room = &mut pages.spare_capacity_mut()[..npages];
        // SAFETY: `room` is valid, exclusively borrowed, and not used before it is cleared.
        unsafe { prefault(NonNull::from(&mut *room).cast(), npages, HugePages::Advise) }.ok()?;
        clearpage::clear_pages_uninit(room);
        // SAFETY: `clear_pages_uninit` has initialised these `npages` pages.
        unsafe { pages.set_len(npages) };
        Some(Self { pages, at: 0 })
    }

    /// Times all rows in turn, or returns `None` if the deadline passes first.
    pub(super) fn race(
        &mut self,
        rows: &[AvailablePrimitive],
        question: Question,
        deadline: Instant,
    ) -> Option<Vec<Times>> {
        let arm = |&row: &AvailablePrimitive| Arm { row, samples: Vec::new(), dominated: false };
        let mut arms: Vec<Arm> = rows.iter().map(arm).collect();
        for round in 0..if question.len > STRETCH { LONG_SAMPLES } else { SAMPLES } {
            for i in 0..arms.len() {
                // Alternate the order: of two neighbours, each then meets what the other leaves in
                // the caches and in the memory's queues.
                let i = if round % 2 == 0 { i } else { arms.len() - 1 - i };
                if arms[i].dominated {
                    continue;
                }
                if Instant::now() > deadline {
                    return None;
                }
                let time = self.time(arms[i].row, question);
                arms[i].samples.push(time);
            }
            if round + 1 == TRIED {
                let medians: Vec<f64> = arms.iter().map(|arm| arm.times().median()).collect();
                let best = medians.iter().copied().fold(f64::MAX, f64::min);
                for (arm, median) in arms.iter_mut().zip(medians) {
                    arm.dominated = median > DOMINATED * best;
                }
            }
        }
        Some(arms.iter().map(Arm::times).collect())
    }

    /// Returns the time of one call in nanoseconds.
    fn time(&mut self, row: AvailablePrimitive, Question { case, len }: Question) -> f64 {
        // SAFETY: a `Page` consists of initialised bytes, all of which are valid as `u8`.
        let bytes = unsafe { self.pages.align_to_mut::<u8>().1 };
        let calls = (STRETCH / len).max(1);
        if case == Case::Reuse {
            let bytes = &mut bytes[..len];
            // A non-temporal primitive that ran before may have evicted the memory.
            touch(bytes);
            let clock = Clock::start();
            for _ in 0..calls {
                row.zero_bytes(black_box(&mut *bytes));
                touch(bytes);
            }
            return clock.elapsed().as_nanos() as f64 / calls as f64;
        }
        if self.at + calls * len > bytes.len() {
            self.at = 0;
        }
        let stretch = &mut bytes[self.at..self.at + calls * len];
        self.at += calls * len;
        if row.primitive().store() == StoreKind::NonTemporal {
            // Evict the lines that a temporal primitive left cached: non-temporal stores to cached
            // lines are slower.
            row.zero_bytes(stretch);
        }
        let walk = |stretch: &mut [u8]| {
            for bytes in stretch.chunks_exact_mut(len) {
                row.zero_bytes(bytes);
                if case == Case::Use {
                    touch(bytes);
                }
            }
        };
        let clock = Clock::start();
        walk(stretch);
        clock.elapsed().as_nanos() as f64 / calls as f64
    }
}

/// A primitive and its samples for one question.
struct Arm {
    row: AvailablePrimitive,
    samples: Vec<f64>,
    /// Too slow to be sampled further. Its samples take longest.
    dominated: bool,
}

impl Arm {
    /// Returns all samples but the first.
    fn times(&self) -> Times {
        Times { primitive: self.row.primitive(), rounds: self.samples[1..].to_vec() }
    }
}

/// Reads and writes a byte of every line.
fn touch(bytes: &mut [u8]) {
    for line in bytes.chunks_mut(64) {
        line[0] = black_box(line[0]).wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_lower_middle_value() {
        let median = |rounds: &[f64]| {
            Times { primitive: &clearpage::primitives()[0], rounds: rounds.to_vec() }.median()
        };
        assert_eq!(
            [median(&[3.0]), median(&[3.0, 1.0]), median(&[4.0, 1.0, 2.0])],
            [3.0, 1.0, 2.0]
        );
        assert_eq!(median(&[5.0, 4.0, 1.0, 2.0, 3.0, 9.0]), 3.0);
    }
}
