//! Primitives against each other at one length. In bytes, because crossings may lie below a page;
//! and by what the intents mean, as the library tries them, only with more time.

use std::hint::black_box;
use std::time::Instant;

use clearpage::{Available, Intent, PAGE_SIZE, Page};

use crate::measure::{median_and_deviation, warm_up};
use crate::noise::Figure;

/// Memory of the walks, and the longest length: as much as the library takes at most.
pub const LONGEST: usize = 64 << 20;
/// Samples of each primitive.
const ROUNDS: usize = 15;
/// A sample of hot clearing goes over this many bytes, one of a walk over eight times as many.
const HOT_SAMPLE: usize = 1 << 20;

/// The memory that is raced over.
pub struct Track {
    memory: Vec<Page>,
    /// Where the walk goes on: what it comes back to was pushed out.
    at: usize,
}

impl Track {
    /// Touches its memory, and waits until the clock is up.
    pub fn new() -> Self {
        let mut memory = vec![Page::ZERO; LONGEST / PAGE_SIZE];
        warm_up(&mut memory);
        Self { memory, at: 0 }
    }

    /// The time of one call on `len` bytes, of each primitive. Hot: the same bytes again and
    /// again. Cold: the next of a walk. Auto: the next of a walk, then every line of them is read
    /// and written.
    ///
    /// # Panics
    /// `len` is 0 or more than [`LONGEST`].
    pub fn race(&mut self, rows: &[Available], intent: Intent, len: usize) -> Vec<Figure> {
        let mut samples = vec![Vec::new(); rows.len()];
        let mut order: Vec<usize> = (0..rows.len()).collect();
        let mut random = fastrand::Rng::with_seed(len as u64);
        for _ in 0..ROUNDS {
            // Nobody is always behind the same neighbour.
            random.shuffle(&mut order);
            for &i in &order {
                samples[i].push(self.sample(rows[i], intent, len));
            }
        }
        let figure = |mut samples: Vec<f64>| {
            let (ns, mad) = median_and_deviation(&mut samples);
            Figure { ns, mad }
        };
        samples.into_iter().map(figure).collect()
    }

    fn sample(&mut self, row: Available, intent: Intent, len: usize) -> f64 {
        // SAFETY: pages are nothing but bytes.
        let bytes = unsafe { self.memory.align_to_mut::<u8>().1 };
        if intent == Intent::Hot {
            let (bytes, calls) = (&mut bytes[..len], (HOT_SAMPLE / len).max(1));
            row.zero_bytes(bytes); // a non-temporal neighbour may have left it cold
            let start = Instant::now();
            (0..calls).for_each(|_| row.zero_bytes(black_box(&mut *bytes)));
            return start.elapsed().as_nanos() as f64 / calls as f64;
        }
        let calls = (8 * HOT_SAMPLE / len).max(1);
        if self.at + calls * len > bytes.len() {
            self.at = 0;
        }
        let stretch = &mut bytes[self.at..self.at + calls * len];
        self.at += calls * len;
        let start = Instant::now();
        for bytes in stretch.chunks_exact_mut(len) {
            row.zero_bytes(bytes);
            if intent == Intent::Auto {
                for line in bytes.chunks_mut(64) {
                    line[0] = black_box(line[0]).wrapping_add(1);
                }
            }
        }
        start.elapsed().as_nanos() as f64 / calls as f64
    }
}

impl Default for Track {
    fn default() -> Self {
        Self::new()
    }
}
