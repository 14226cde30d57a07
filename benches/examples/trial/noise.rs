//! How the times of slices scatter.

use clearpage_cli::measure::median_and_deviation;
use fastrand::Rng;

use crate::figures::{Arm, Scenario};

/// Median absolute deviations in a standard deviation of normal noise.
const NORMAL: f64 = 1.4826;
/// Speed while a neighbour is active, as a share.
const DISTURBED: f64 = 0.75;
/// Time of the second slice of a pair, as a multiple: it waits for the stores of the first.
/// Measured on Zen 5, 2026-11-24: 1.03 at 128 KiB, 1.10 at 32 KiB, 1.15 if calls are 100 us apart.
const SECOND: f64 = 1.10;
/// Standard deviation of an arm's logarithm of time from one run to the next: that of the ratio of
/// two arms is 0.082, as two reports of one Zen 5 machine show.
const RUN: f64 = 0.058;

/// A model of noise; the last two, of memory that is not cold during the trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Independent and normal, with the recorded deviation.
    Normal,
    /// Each slice may be disturbed, independently.
    Bimodal,
    /// A neighbour disturbs both arms alike, for some calls.
    Correlated,
    /// Normal; and one slice in fifty takes 3 to 10 times as long.
    Spikes,
    /// A neighbour takes bandwidth for a millisecond: no arm exceeds what is left.
    Bandwidth,
    /// Normal; and each arm is faster or slower for the whole process, as between two runs.
    Runs,
    /// Normal, but the memory of the trial is in the cache.
    Cached,
    /// Normal, but the memory of the trial is freshly mapped.
    Fresh,
}

/// All models.
pub const MODELS: [Model; 8] = [
    Model::Normal,
    Model::Bimodal,
    Model::Correlated,
    Model::Spikes,
    Model::Bandwidth,
    Model::Runs,
    Model::Cached,
    Model::Fresh,
];

/// Draws the times of slices, one process after another.
pub struct Noise {
    model: Model,
    /// Nanoseconds, standard deviation, and share of disturbed slices, of each arm.
    arms: Vec<(f64, f64, f64)>,
    /// Share of slices in the disturbed state, and the slices that it lasts.
    state: (f64, f64),
    /// Least nanoseconds of a slice while a neighbour takes bandwidth.
    capped: f64,
    disturbed: bool,
    shifts: Vec<f64>,
}

impl Noise {
    /// For slices of `slice` bytes; `None` if the report has no figures for the model.
    pub fn new(scenario: &Scenario, slice: usize, model: Model) -> Option<Self> {
        let arms: &Vec<Arm> = match model {
            Model::Cached => scenario.elsewhere[0].as_ref()?,
            Model::Fresh => scenario.elsewhere[1].as_ref()?,
            _ => &scenario.arms,
        };
        let mads = arms.iter().map(|arm| arm.at(slice).1);
        let floor = mads.fold(0.02, f64::min);
        let split = matches!(model, Model::Bimodal | Model::Correlated | Model::Bandwidth);
        let arms: Vec<_> = arms
            .iter()
            .map(|arm| {
                let (ns, mad) = arm.at(slice);
                let deviation = NORMAL * if split { floor } else { mad };
                let (share, middle) = if split { mixture(mad, floor) } else { (0.0, 1.0) };
                let middle = if model == Model::Bimodal { middle } else { 1.0 };
                (ns / middle, deviation, share)
            })
            .collect();
        let share = arms.iter().map(|arm| arm.2).fold(0.0, f64::max);
        let length = if model == Model::Bandwidth { 1000.0 } else { 16.0 };
        let capped = scenario.envelope * slice as f64 / scenario.size as f64 / DISTURBED;
        let shifts = vec![1.0; arms.len()];
        Some(Self { model, arms, state: (share, length), capped, disturbed: false, shifts })
    }

    /// Starts a new process.
    pub fn start(&mut self, random: &mut Rng) {
        self.disturbed = random.f64() < self.state.0;
        if self.model == Model::Runs {
            self.shifts.fill_with(|| (RUN * normal(random)).exp());
        }
    }

    /// Returns the logarithm of the time of `now` over that of the rival, in one pair of slices.
    pub fn pair(&mut self, now: usize, rival: usize, rival_first: bool, random: &mut Rng) -> f64 {
        let (first, second) = if rival_first { (rival, now) } else { (now, rival) };
        let first = self.slice(first, random).ln();
        let second = (SECOND * self.slice(second, random)).ln();
        if rival_first { second - first } else { first - second }
    }

    fn slice(&mut self, arm: usize, random: &mut Rng) -> f64 {
        let (ns, deviation, share) = self.arms[arm];
        self.step(random);
        let time = ns * (deviation * normal(random)).exp();
        match self.model {
            Model::Bimodal if random.f64() < share => time / DISTURBED,
            Model::Correlated if self.disturbed => time / DISTURBED,
            Model::Bandwidth if self.disturbed => time.max(self.capped),
            Model::Spikes if random.f64() < 0.02 => time * (3.0 + 7.0 * random.f64()),
            Model::Runs => time * self.shifts[arm],
            _ => time,
        }
    }

    /// A Markov chain of two states.
    fn step(&mut self, random: &mut Rng) {
        let (share, length) = self.state;
        let leave = if self.disturbed { 1.0 / length } else { share / (1.0 - share) / length };
        self.disturbed ^= random.f64() < leave;
    }
}

/// The share of disturbed slices, up to a half, with which slices have this deviation in all,
/// while those that are not disturbed have that of the quietest arm; and the median then.
fn mixture(mad: f64, floor: f64) -> (f64, f64) {
    let mut random = Rng::with_seed(1);
    let draws: Vec<_> = (0..1000).map(|_| (random.f64(), normal(&mut random))).collect();
    let scatter = |share: f64| {
        let time = |&(chance, z): &(f64, f64)| {
            (NORMAL * floor * z).exp() / if chance < share { DISTURBED } else { 1.0 }
        };
        median_and_deviation(&mut draws.iter().map(time).collect::<Vec<_>>())
    };
    let (mut low, mut high) = (0.0, 0.5);
    for _ in 0..12 {
        let share = (low + high) / 2.0;
        let (middle, deviation) = scatter(share);
        *(if deviation < mad * middle { &mut low } else { &mut high }) = share;
    }
    (low, scatter(low).0)
}

/// A draw from the normal distribution of standard deviation 1.
pub fn normal(random: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - random.f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.f64()).cos()
}
