//! `Tuning::measure`: the thresholds by measuring.

mod clock;

pub use clock::Clock;

use std::hint::black_box;
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use crate::arch;
use crate::cpu;
use crate::intent::Intent;
use crate::page::{PAGE_SHIFT, PAGE_SIZE, Page};
use crate::prefault::{HugePages, prefault_raw};
use crate::primitive::{Available, Primitive, Store, usable};
use crate::tuning::Tuning;

/// A primitive replaces another only if it is better by this factor: noise is less, on most
/// machines.
const LEAD: f64 = 1.04;
/// Samples of each primitive; the first one is dropped.
const SAMPLES: usize = 8;
/// The same of calls that are longer than [`STRETCH`].
const LONG_SAMPLES: usize = 5;
/// After this many samples a primitive that is slower than the fastest by [`DOMINATED`] is dropped.
const TRIED: usize = 3;
const DOMINATED: f64 = 1.5;
/// A sample goes over this many bytes, or over one call if that is more: 0.1 to 0.4 ms.
const STRETCH: usize = 8 << 20;

/// What the memory is like when it is cleared, and what is done with it then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Case {
    /// It is not in the cache, and is left alone. [`Intent::Cold`] is for this.
    Cold,
    /// It is not in the cache; after the clear every line is read and written. [`Intent::Hot`] is
    /// for this and the next one.
    Use,
    /// It is in the cache, as far as it fits; after the clear every line is read and written.
    Reuse,
}

impl Case {
    /// The cases that an intent is judged by: `Auto` by all, since it may be any of them.
    pub const fn of(intent: Intent) -> &'static [Self] {
        match intent {
            Intent::Cold => &[Self::Cold],
            Intent::Hot => &[Self::Use, Self::Reuse],
            Intent::Auto => &[Self::Cold, Self::Use, Self::Reuse],
        }
    }

    /// `cold`, `use` or `reuse`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Use => "use",
            Self::Reuse => "reuse",
        }
    }
}

/// One question to the CPU: which primitive is fastest at this?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// What the memory is like.
    pub case: Case,
    /// Bytes a call, a power of two.
    pub len: usize,
}

/// The times of the primitives that were tried on one question.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What was asked.
    pub question: Question,
    /// The times of each primitive.
    pub times: Vec<Times>,
}

/// The times of one primitive.
#[derive(Clone, Debug)]
pub struct Times {
    /// The primitive.
    pub primitive: &'static Primitive,
    /// A call in nanoseconds, by rounds: those of one round were taken one after another. A
    /// primitive that is far behind is given up after a few.
    pub rounds: Vec<f64>,
}

impl Times {
    /// The middle one, the lower of two.
    pub fn median(&self) -> f64 {
        let mut times = self.rounds.clone();
        times.sort_by(f64::total_cmp);
        times[(times.len() - 1) / 2]
    }
}

impl Answer {
    /// The times of `row` as multiples of the fastest primitive's median; `None` if it was not
    /// tried.
    fn slowdowns(&self, row: &Primitive) -> Option<Times> {
        let best = self.times.iter().map(Times::median).fold(f64::MAX, f64::min);
        let Times { primitive, rounds } = self.times.iter().find(|t| t.primitive == row)?;
        Some(Times { primitive, rounds: rounds.iter().map(|time| time / best).collect() })
    }
}

/// The primitive for one intent from one length on, as measured.
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    /// The intent.
    pub intent: Intent,
    /// Bytes, a power of two; it holds up to the next verdict of the same intent.
    pub len: usize,
    /// The primitive of the tuning that the measurement began with.
    pub before: &'static Primitive,
    /// The primitive that serves best: the one before, unless another is clearly better.
    pub after: &'static Primitive,
    /// Throughput with the new primitive as a multiple of that with the old one, on the mean of
    /// the intent's cases; 1 if they are the same.
    pub gain: f64,
}

/// What [`Tuning::measure`] found out, and what it had no time for.
#[derive(Clone, Debug)]
pub struct Measured {
    base: Tuning,
    lengths: Vec<usize>,
    answers: Vec<Answer>,
    unanswered: Vec<Question>,
}

impl Tuning {
    /// Measures which primitives are fastest on this CPU, for at most about `budget`, beginning
    /// with those of this tuning.
    ///
    /// It asks only what can differ: of each mechanism (vector stores, string instruction,
    /// non-temporal stores, block instruction) the widest primitive, and the one that this tuning
    /// has there. Cold comes first, where a wrong choice costs most. All questions take 0.6 to 1 s
    /// of CPU time; time in which other threads have the CPU does not count as a primitive's, but
    /// it counts against the budget. For that time it takes memory of eight times the last-level
    /// cache: 64 to 512 MiB. A last-level cache of more than 64 MiB is taken for 64 MiB: several cores
    /// share it.
    ///
    /// Questions that the budget does not reach stay open: see [`Measured::unanswered`].
    pub fn measure(&self, budget: Duration) -> Measured {
        let deadline = Instant::now() + budget;
        let caches = cpu::caches();
        // Unknown caches are taken for large ones.
        let last = caches.l3.max(caches.l2).clamp(8 << 20, 64 << 20).next_power_of_two();
        let lengths: Vec<usize> = (12..usize::BITS - 1)
            .map(|shift| 1 << shift)
            .filter(|&len| len >= PAGE_SIZE && len <= 2 * last)
            // In the middle of a cache its neighbours are told apart by every second power of two.
            .filter(|&len: &usize| len <= 64 << 10 || len >= last || len.ilog2() % 2 == 0)
            .collect();
        let mut measured =
            Measured { base: *self, lengths, answers: Vec::new(), unanswered: Vec::new() };
        // Non-temporal stores leave the caches as they are: what a temporal neighbour left there must
        // be a small part of the walk.
        let mut track = Track::new(8 * last);
        for question in measured.questions() {
            let rows = measured.rows(question);
            let times = track.as_mut().and_then(|track| track.race(&rows, question, deadline));
            match times {
                Some(times) => measured.answers.push(Answer { question, times }),
                None => measured.unanswered.push(question),
            }
        }
        measured
    }
}

impl Measured {
    /// The tuning that the measurement began with, changed wherever another primitive is clearly
    /// better in all that its intent is for. Where a question is open it is unchanged.
    pub fn tuning(&self) -> Tuning {
        let mut tuning = self.base;
        for intent in Intent::ALL {
            for len in (0..usize::BITS).map(|shift| 1 << shift) {
                // The longest length stands for all that are longer.
                let measured = self.lengths.iter().rev().find(|&&measured| measured <= len);
                let better = measured.and_then(|&measured| self.verdict(intent, measured));
                let better = better.filter(|verdict| verdict.after != verdict.before);
                let row = better.map_or(self.base.choose(intent, len), |verdict| verdict.after);
                tuning = tuning.then(intent, len, row);
            }
        }
        tuning
    }

    /// What was measured for each intent and length, the intents one after another.
    pub fn verdicts(&self) -> Vec<Verdict> {
        let places =
            Intent::ALL.into_iter().flat_map(|i| self.lengths.iter().map(move |&l| (i, l)));
        places.filter_map(|(intent, len)| self.verdict(intent, len)).collect()
    }

    /// The answers, in the order in which they were asked for.
    pub fn answers(&self) -> &[Answer] {
        &self.answers
    }

    /// The questions that the budget did not reach. The tuning is unchanged there.
    pub fn unanswered(&self) -> &[Question] {
        &self.unanswered
    }

    /// Cold first, the lengths in the middle before the ends: where a wrong choice costs most. The
    /// longest length does not fit any cache, so that memory cannot be reused from there.
    fn questions(&self) -> Vec<Question> {
        let far = |len: usize| len.ilog2().abs_diff((256_usize << 10).ilog2());
        let mut lengths = self.lengths.clone();
        lengths.sort_by_key(|&len| far(len));
        let all = |cases: &'static [Case]| {
            let lengths = lengths.clone().into_iter();
            lengths.flat_map(move |len| cases.iter().map(move |&case| Question { case, len }))
        };
        let all = all(Case::of(Intent::Cold)).chain(all(Case::of(Intent::Hot)));
        all.filter(|question| *question == self.asked(*question)).collect()
    }

    /// The question that answers this one.
    fn asked(&self, Question { case, len }: Question) -> Question {
        let fits_no_cache = self.lengths.last() == Some(&len);
        let case = if case == Case::Reuse && fits_no_cache { Case::Use } else { case };
        Question { case, len }
    }

    /// What is tried: one primitive of each mechanism, and those of the tuning.
    fn rows(&self, question: Question) -> Vec<Available> {
        let rivals = arch::MECHANISMS.iter();
        let mut rows: Vec<Available> =
            rivals.filter_map(|names| names.iter().find_map(|name| usable(name))).collect();
        for intent in Intent::ALL.into_iter().filter(|&i| Case::of(i).contains(&question.case)) {
            let row = self.base.choose(intent, question.len).available();
            rows.extend(row.ok().filter(|row| !rows.contains(row)));
        }
        rows
    }

    fn verdict(&self, intent: Intent, len: usize) -> Option<Verdict> {
        let answers: Option<Vec<&Answer>> = Case::of(intent)
            .iter()
            .map(|&case| self.asked(Question { case, len }))
            .map(|question| self.answers.iter().find(|answer| answer.question == question))
            .collect();
        let answers = answers?;
        let cost = |row: &Primitive| -> Option<Vec<Times>> {
            answers.iter().map(|answer| answer.slowdowns(row)).collect()
        };
        let sum = |cases: &[Times]| cases.iter().map(Times::median).sum::<f64>();
        let before = self.base.choose(intent, len);
        let times = answers[0].times.iter();
        let all = times.filter_map(|times| Some((times.primitive, cost(times.primitive)?)));
        let (best, least) = all.min_by(|a, b| sum(&a.1).total_cmp(&sum(&b.1)))?;
        // A primitive that this CPU lacks was not tried: any other is better.
        let lead = cost(before).map_or(Some(f64::INFINITY), |before| {
            let gain = sum(&before) / sum(&least);
            (gain > LEAD && wins(&least, &before)).then_some(gain)
        });
        let (after, gain) = lead.map_or((before, 1.0), |gain| (best, gain));
        Some(Verdict { intent, len, before, after, gain })
    }
}

/// Whether the first of two is faster in all rounds but one in seven, the cases of a round added up.
fn wins(new: &[Times], old: &[Times]) -> bool {
    let rounds = new.iter().chain(old).map(|times| times.rounds.len()).min().unwrap_or(0);
    let round = |cases: &[Times], i: usize| cases.iter().map(|case| case.rounds[i]).sum::<f64>();
    let lost = (0..rounds).filter(|&i| round(new, i) >= round(old, i)).count();
    rounds > 0 && lost <= rounds / 7
}

/// The memory that is raced over.
struct Track {
    pages: Vec<Page>,
    /// Where the walk goes on: whatever it comes back to was pushed out of the cache.
    at: usize,
}

impl Track {
    /// `bytes` of memory, present; `None` if the system has less.
    fn new(bytes: usize) -> Option<Self> {
        let npages = bytes >> PAGE_SHIFT;
        let mut pages: Vec<Page> = Vec::new();
        pages.try_reserve_exact(npages).ok()?;
        let room = &mut pages.spare_capacity_mut()[..npages];
        // SAFETY: the room is valid for writes, and nobody reads it before it is cleared.
        unsafe { prefault_raw(NonNull::from(&mut *room).cast(), npages, HugePages::Advise) }
            .ok()?;
        crate::clear_pages_uninit(room);
        // SAFETY: as many were initialised just now.
        unsafe { pages.set_len(npages) };
        Some(Self { pages, at: 0 })
    }

    /// The times of each row, the rows in turn; `None` if the deadline comes first.
    fn race(
        &mut self,
        rows: &[Available],
        question: Question,
        deadline: Instant,
    ) -> Option<Vec<Times>> {
        let arm = |&row: &Available| Arm { row, samples: Vec::new(), dominated: false };
        let mut arms: Vec<Arm> = rows.iter().map(arm).collect();
        for round in 0..if question.len > STRETCH { LONG_SAMPLES } else { SAMPLES } {
            for i in 0..arms.len() {
                // Forwards and backwards: what a neighbour leaves in the caches and in the memory's
                // queues is met by both.
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

    /// The time of one call, in nanoseconds.
    fn time(&mut self, row: Available, Question { case, len }: Question) -> f64 {
        // SAFETY: pages are nothing but bytes.
        let bytes = unsafe { self.pages.align_to_mut::<u8>().1 };
        let calls = (STRETCH / len).max(1);
        if case == Case::Reuse {
            let bytes = &mut bytes[..len];
            // A non-temporal neighbour may have pushed it out.
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
        if row.primitive().store() == Store::NonTemporal {
            // Drops the lines that a temporal neighbour left in the cache: a store past the cache
            // is slower for those.
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

/// A primitive on one question.
struct Arm {
    row: Available,
    samples: Vec<f64>,
    /// Too far behind to be sampled further: its samples take longest.
    dominated: bool,
}

impl Arm {
    /// All samples but the first.
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
    use crate::primitive::find;

    /// Times by rows of this build: a measurement that nobody made.
    fn measured(base: Tuning, lengths: &[usize], ns: impl Fn(Question, &str) -> f64) -> Measured {
        let (lengths, answers, unanswered) = (lengths.to_vec(), Vec::new(), Vec::new());
        let mut measured = Measured { base, lengths, answers, unanswered };
        for question in measured.questions() {
            let times = |row: &'static Primitive| {
                let ns = ns(question, row.name());
                // It scatters by 2 %.
                let rounds = (0..7).map(|round| ns * (1.0 + 0.01 * f64::from(round % 3))).collect();
                Times { primitive: row, rounds }
            };
            let times = crate::primitives().iter().map(times).collect();
            measured.answers.push(Answer { question, times });
        }
        measured
    }

    fn generic() -> &'static Primitive {
        find("generic").unwrap()
    }

    /// A primitive of this build other than word stores, unless there is none.
    fn other() -> &'static Primitive {
        &crate::primitives()[0]
    }

    #[test]
    fn a_clear_lead_changes_the_tuning_and_noise_does_not() {
        if other() == generic() {
            return; // nothing to choose
        }
        for (ns, expected) in [(1.0 / 1.03, generic()), (1.0 / 1.05, other())] {
            let base = Tuning::only(generic());
            let time = |_, name: &str| if name == other().name() { ns } else { 1.0 };
            let found = measured(base, &[4096, 16384], time);
            for intent in Intent::ALL {
                assert_eq!(found.tuning().choose(intent, 5000), expected, "{ns}");
                assert_eq!(found.tuning().choose(intent, 1 << 30), expected, "{ns}");
                assert_eq!(found.tuning().choose(intent, 4095), generic(), "not measured");
            }
        }
    }

    #[test]
    fn a_lead_that_is_lost_in_two_rounds_of_seven_is_noise() {
        let times = |rounds: [f64; 7]| [Times { primitive: generic(), rounds: rounds.to_vec() }];
        let old = times([1.0; 7]);
        assert!(wins(&times([0.5, 0.5, 0.5, 2.0, 0.5, 0.5, 0.5]), &old));
        assert!(!wins(&times([0.5, 0.5, 0.5, 2.0, 1.0, 0.5, 0.5]), &old));
        // One that was given up after three rounds must have lost them all.
        let few = [Times { primitive: generic(), rounds: vec![1.0, 0.4, 1.0] }];
        assert!(wins(&times([0.3; 7]), &few) && !wins(&times([0.5; 7]), &few));
        assert!(!wins(&[], &[]));
    }

    #[test]
    fn an_intent_is_decided_by_the_mean_of_its_cases() {
        if other() == generic() {
            return;
        }
        // Twice as fast when cold, four times as slow in the cache.
        let time = |question: Question, name: &str| match (question.case, name == other().name()) {
            (_, false) => 1.0,
            (Case::Cold, true) => 0.5,
            (Case::Use, true) => 1.0,
            (Case::Reuse, true) => 4.0,
        };
        let tuning = measured(Tuning::only(generic()), &[4096, 1 << 20], time).tuning();
        assert_eq!(tuning.choose(Intent::Cold, 4096), other());
        assert_eq!(tuning.choose(Intent::Hot, 4096), generic());
        assert_eq!(tuning.choose(Intent::Auto, 4096), generic());
    }

    #[test]
    fn an_open_question_leaves_the_tuning_as_it_was() {
        let base = Tuning::only(generic());
        let time = |_, name: &str| if name == "generic" { 9.0 } else { 1.0 };
        let mut found = measured(base, &[4096, 16384, 1 << 20], time);
        found
            .answers
            .retain(|answer| answer.question != Question { case: Case::Reuse, len: 16384 });
        let tuning = found.tuning();
        assert_eq!(tuning.choose(Intent::Hot, 16384), generic());
        assert_eq!(tuning.choose(Intent::Auto, 32768), generic());
        if other() != generic() {
            assert_ne!(tuning.choose(Intent::Cold, 16384), generic());
            assert_ne!(tuning.choose(Intent::Hot, 8192), generic());
        }
    }

    #[test]
    fn without_time_every_question_stays_open() {
        let detected = Tuning::detect();
        let found = detected.measure(Duration::ZERO);
        assert_eq!(found.tuning(), detected);
        assert!(found.answers().is_empty() && found.verdicts().is_empty());
        assert_eq!(found.unanswered().len(), found.questions().len());
        // Cold first.
        let cold = found.unanswered().iter().take_while(|question| question.case == Case::Cold);
        assert_eq!(cold.count(), found.lengths.len());
    }

    #[test]
    fn a_measured_tuning_can_be_saved_and_installed() {
        // The first question may take seconds under emulation.
        let budgets = (0..7).map(|shift| Duration::from_secs(1 << shift));
        let mut measured = budgets.map(|budget| Tuning::detect().measure(budget));
        let found = measured.find(|found| !found.answers().is_empty()).expect("an answer");
        let tuning = found.tuning();
        assert_eq!(tuning.to_string().parse::<Tuning>(), Ok(tuning));
        assert!(tuning.proven().is_ok());
        for verdict in found.verdicts() {
            assert!(verdict.gain >= 1.0, "{verdict:?}");
            assert_eq!(verdict.gain > 1.0, verdict.before != verdict.after, "{verdict:?}");
        }
    }
}
