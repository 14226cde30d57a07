//! The Kronecker graph of the Graph500 benchmark: a list of edges as it comes from the generator,
//! in no order, with multiple edges and loops.
//!
//! Each edge is drawn bit by bit of its two ends: of the four quarters of the adjacency matrix one
//! is taken with the probability that the benchmark's specification (section 3.2, graph500.org)
//! gives it, then a quarter of that, until a single entry is left. Labels are shuffled at the end:
//! where a vertex stands says nothing about its degree.

use crate::arena::Arena;
use crate::page_vec::{PageVec, room};

pub const EDGE_FACTOR: usize = 16;

/// The scales that 32-bit labels allow.
pub const SCALES: std::ops::RangeInclusive<u32> = 4..=31;

/// The fixed seed: the graph of a scale is the same on every machine.
const SEED: u64 = 0x6772_6170_6835_3030;

/// The probabilities of three quadrants; the fourth has the rest.
const A: f64 = 0.57;
const B: f64 = 0.19;
const C: f64 = 0.19;

/// An undirected edge: the labels of its ends.
pub type Edge = [u32; 2];

/// Returns the number of vertices of a scale.
pub fn vertices(scale: u32) -> usize {
    1 << scale
}

/// Returns the bytes that [`edges`] allocates: the list, and temporary labels.
pub fn edges_room(scale: u32) -> u64 {
    room::<Edge>((EDGE_FACTOR as u64) << scale) + room::<u32>(1 << scale)
}

/// Returns the edges of a scale.
pub fn edges<'a>(arena: &'a Arena<'a>, scale: u32) -> PageVec<'a, Edge> {
    let mut edges = PageVec::<Edge>::new(arena, EDGE_FACTOR << scale);
    let mut labels = PageVec::<u32>::new(arena, vertices(scale));
    shuffle(&mut labels);
    for (i, edge) in edges.iter_mut().enumerate() {
        // A stream an edge: it is the same whoever draws it, and when.
        let mut random = Random::stream(i as u64);
        *edge = draw(&mut random, scale).map(|end| labels[end as usize]);
    }
    edges
}

/// Returns the ends of an edge before the labels are permuted.
fn draw(random: &mut Random, scale: u32) -> Edge {
    let lower = threshold(A + B);
    let (right_of_upper, right_of_lower) = (threshold(A / (A + B)), threshold(C / (1.0 - A - B)));
    let [mut row, mut column] = [0; 2];
    for _ in 0..scale {
        let drawn = random.next();
        let (high, low) = ((drawn >> 32) as u32, drawn as u32);
        let is_lower = high >= lower;
        let is_right = low >= if is_lower { right_of_lower } else { right_of_upper };
        row = row << 1 | u32::from(is_lower);
        column = column << 1 | u32::from(is_right);
    }
    [row, column]
}

/// Returns the threshold below which a 32-bit number is with this probability.
fn threshold(probability: f64) -> u32 {
    (probability * 2_f64.powi(32)) as u32
}

/// Fills with a random permutation (Fisher and Yates).
fn shuffle(labels: &mut [u32]) {
    let mut random = Random::stream(u64::MAX);
    for i in 0..labels.len() {
        let earlier = random.below(i as u64 + 1) as usize;
        labels[i] = labels[earlier];
        labels[earlier] = i as u32;
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014): written here so that its numbers never change.
pub struct Random(u64);

impl Random {
    /// Returns one of many streams of the same seed.
    pub fn stream(number: u64) -> Self {
        Self(Self(SEED ^ number.wrapping_mul(0xd134_2543_de82_ef95)).next())
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// Returns a number below `end`. The bias is negligible far below 2^64.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::with_arena;

    #[test]
    fn the_requested_number_of_edges_is_generated_reproducibly() {
        with_arena(edges_room(10), |arena| {
            let first = edges(arena, 10).to_vec();
            assert_eq!(first.len(), 16 << 10);
            assert!(first.as_flattened().iter().all(|&end| end < 1 << 10));
            assert_eq!(edges(arena, 10)[..], first);
            // Not the figures of another scale cut short.
            assert_ne!(edges(arena, 9)[..], first[..16 << 9]);
        });
    }

    #[test]
    fn random_numbers_equal_those_of_the_paper() {
        // The reference implementation's first numbers of the state 1234567.
        let mut random = Random(1_234_567);
        let first = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973];
        assert_eq!([random.next(), random.next()], first);
    }

    #[test]
    fn quarters_have_their_probabilities() {
        let (mut counts, draws) = ([0_u32; 4], 1 << 16);
        for i in 0..draws {
            let [row, column] = draw(&mut Random::stream(i), 1);
            counts[(row << 1 | column) as usize] += 1;
        }
        for (count, probability) in counts.into_iter().zip([A, B, C, 1.0 - A - B - C]) {
            let share = f64::from(count) / draws as f64;
            assert!((share - probability).abs() < 0.01, "{counts:?}");
        }
    }

    #[test]
    fn labels_are_a_permutation() {
        let mut labels = vec![0; 1000];
        shuffle(&mut labels);
        assert!(labels.iter().enumerate().filter(|&(i, &label)| i == label as usize).count() < 10);
        labels.sort_unstable();
        assert!(labels.into_iter().eq(0..1000));
    }
}
