//! Measures which primitive is fastest for each intent and length on this CPU.
//!
//! A row of the tuning changes only if another primitive is more than 4 % faster in the median and
//! wins six rounds of seven, so that noise changes nothing, or if this CPU lacks the row's own.

mod clock;
mod question;
mod track;

pub use clock::Clock;
pub use question::{Case, Question};

use std::time::{Duration, Instant};

use clearpage::{AvailablePrimitive, Intent, PAGE_SIZE, Primitive, Tuning, candidates, cpu};
use track::{Times, Track};

/// Factor by which a primitive must beat another to replace it. Noise is smaller on most machines.
const LEAD: f64 = 1.04;

/// The times of the primitives that were measured for one question.
#[derive(Clone, Debug)]
struct Answer {
    question: Question,
    times: Vec<Times>,
}

impl Answer {
    /// Returns the times of `row` as multiples of the fastest primitive's median, or `None` if
    /// `row` was not measured.
    fn slowdowns(&self, row: &Primitive) -> Option<Times> {
        let best = self.times.iter().map(Times::median).fold(f64::MAX, f64::min);
        let Times { primitive, rounds } = self.times.iter().find(|t| t.primitive == row)?;
        Some(Times { primitive, rounds: rounds.iter().map(|time| time / best).collect() })
    }
}

/// The measured choice of a primitive for one intent, from one length on.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Verdict {
    /// The intent that the choice is for.
    pub intent: Intent,
    /// Bytes, a power of two. Applies up to the length of the same intent's next verdict.
    pub len: usize,
    /// The primitive of the tuning that the measurement started from.
    pub before: &'static Primitive,
    /// The best primitive: `before`, unless another is clearly better.
    pub after: &'static Primitive,
    /// Throughput of `after` relative to `before`, on the mean of the intent's cases: 1 if they are
    /// the same, infinite if this CPU lacks `before`.
    pub gain: f64,
}

/// The result of [`measure`], including the questions that it did not answer.
#[derive(Clone, Debug)]
pub struct Measured {
    base: Tuning,
    lengths: Vec<usize>,
    answers: Vec<Answer>,
    unanswered: Vec<Question>,
}

/// Measures which primitives are fastest on this CPU, starting from those of `base`, for
/// at most about `budget`.
///
/// Only candidates that can differ are measured: of each mechanism (vector stores, string
/// instruction, non-temporal stores, block instruction) the widest primitive, and the one that
/// `base` uses. Cold is measured first, because a wrong choice costs most there. All
/// questions take 0.6 to 1 s of CPU time. Time in which other threads have the CPU counts
/// against the budget, but not as a primitive's time. The measurement allocates eight times the
/// last-level cache, 64 to 512 MiB; a cache of more than 64 MiB counts as 64 MiB, as several
/// cores share it.
///
/// Questions for which time or memory is short stay open: see [`Measured::unanswered`].
pub fn measure(base: &Tuning, budget: Duration) -> Measured {
    let deadline = Instant::now() + budget;
    let caches = cpu::caches();
    // Unknown caches are reported as 0 and count as 8 MiB.
    let last = caches.l3.max(caches.l2).clamp(8 << 20, 64 << 20).next_power_of_two();
    let (lengths, answers, unanswered) = (lengths(last), Vec::new(), Vec::new());
    let mut measured = Measured { base: *base, lengths, answers, unanswered };
    // Non-temporal stores do not evict cached lines, so the lines that a temporal primitive
    // left cached must be a small part of the walk.
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

/// Returns the lengths to measure, up to twice the last-level cache of `last` bytes.
fn lengths(last: usize) -> Vec<usize> {
    (12..usize::BITS - 1)
        .map(|shift| 1 << shift)
        .filter(|&len| len >= PAGE_SIZE && len <= 2 * last)
        // In the middle of the range, every second power of two is enough to find a threshold.
        .filter(|&len: &usize| len <= 64 << 10 || len >= last || len.ilog2() % 2 == 0)
        .collect()
}

impl Measured {
    /// Returns the tuning that the measurement started from, changed where another primitive is
    /// clearly better on the mean of the intent's cases. It is unchanged where a question is open.
    pub fn tuning(&self) -> Tuning {
        let mut tuning = self.base;
        for intent in Intent::ALL {
            for len in (0..usize::BITS).map(|shift| 1 << shift) {
                // The longest measured length stands for all longer ones.
                let measured = self.lengths.iter().rev().find(|&&measured| measured <= len);
                let better = measured.and_then(|&measured| self.verdict(intent, measured));
                let better = better.filter(|verdict| verdict.after != verdict.before);
                let row = better.map_or(self.base.choose(intent, len), |verdict| verdict.after);
                tuning = tuning.with_step(intent, len, row);
            }
        }
        tuning
    }

    /// Returns the verdict for each intent and length that was measured, grouped by intent.
    pub fn verdicts(&self) -> Vec<Verdict> {
        let places =
            Intent::ALL.into_iter().flat_map(|i| self.lengths.iter().map(move |&l| (i, l)));
        places.filter_map(|(intent, len)| self.verdict(intent, len)).collect()
    }

    /// Returns the questions without time or memory to answer them. The tuning is unchanged there.
    pub fn unanswered(&self) -> &[Question] {
        &self.unanswered
    }

    /// Lists Cold first, and middle lengths before extreme ones: a wrong choice costs most there.
    /// The longest length fits no cache, so `Reuse` is not asked for it.
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

    /// Returns the question whose answer counts: at the longest length, `Use` replaces `Reuse`.
    fn asked(&self, Question { case, len }: Question) -> Question {
        let fits_no_cache = self.lengths.last() == Some(&len);
        let case = if case == Case::Reuse && fits_no_cache { Case::Use } else { case };
        Question { case, len }
    }

    /// Returns the candidates: one primitive of each mechanism, and those of the tuning.
    fn rows(&self, question: Question) -> Vec<AvailablePrimitive> {
        let mut rows: Vec<AvailablePrimitive> = candidates().collect();
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
        // If this CPU lacks `before`, it was not measured, and any other primitive is better.
        let lead = cost(before).map_or(Some(f64::INFINITY), |before| {
            let gain = sum(&before) / sum(&least);
            (gain > LEAD && wins(&least, &before)).then_some(gain)
        });
        let (after, gain) = lead.map_or((before, 1.0), |gain| (best, gain));
        Some(Verdict { intent, len, before, after, gain })
    }
}

/// Returns whether `new` wins all rounds but one in seven, each round summed over the cases.
fn wins(new: &[Times], old: &[Times]) -> bool {
    let rounds = new.iter().chain(old).map(|times| times.rounds.len()).min().unwrap_or(0);
    let round = |cases: &[Times], i: usize| cases.iter().map(|case| case.rounds[i]).sum::<f64>();
    let lost = (0..rounds).filter(|&i| round(new, i) >= round(old, i)).count();
    rounds > 0 && lost <= rounds / 7
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Builds a measurement from made-up times, for the rows of this build.
    fn measured(base: Tuning, lengths: &[usize], ns: impl Fn(Question, &str) -> f64) -> Measured {
        let (lengths, answers, unanswered) = (lengths.to_vec(), Vec::new(), Vec::new());
        let mut measured = Measured { base, lengths, answers, unanswered };
        for question in measured.questions() {
            let times = |row: &'static Primitive| {
                let ns = ns(question, row.name());
                // The times scatter by 2 %.
                let rounds = (0..7).map(|round| ns * (1.0 + 0.01 * f64::from(round % 3))).collect();
                Times { primitive: row, rounds }
            };
            let times = clearpage::primitives().iter().map(times).collect();
            measured.answers.push(Answer { question, times });
        }
        measured
    }

    fn generic() -> &'static Primitive {
        clearpage::primitives().iter().find(|row| row.name() == "generic").unwrap()
    }

    /// Returns a primitive of this build other than word stores, if there is one.
    fn other() -> &'static Primitive {
        &clearpage::primitives()[0]
    }

    #[test]
    fn a_clear_lead_changes_the_tuning_and_noise_does_not() {
        if other() == generic() {
            return; // one primitive
        }
        for (ns, expected) in [(1.0 / 1.03, generic()), (1.0 / 1.05, other())] {
            let base = Tuning::uniform(generic());
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
    fn lengths_are_close_where_thresholds_are() {
        let few = [4, 8, 16, 32, 64, 256, 1024, 4096, 8192, 16384].map(|kib: usize| kib << 10);
        let expected: Vec<usize> = few.into_iter().filter(|&len| len >= PAGE_SIZE).collect();
        assert_eq!(lengths(8 << 20), expected);
    }

    #[test]
    fn slowdowns_are_multiples_of_the_fastest() {
        let times = |primitive, rounds: &[f64]| Times { primitive, rounds: rounds.to_vec() };
        let question = Question { case: Case::Cold, len: 4096 };
        let answer = Answer { question, times: vec![times(generic(), &[2.0, 4.0, 4.0])] };
        assert_eq!(answer.slowdowns(generic()).unwrap().rounds, [0.5, 1.0, 1.0]);
    }

    #[test]
    fn there_is_a_verdict_for_each_intent_and_length() {
        let lengths = [4096, 16384, 65536];
        let found = measured(Tuning::uniform(generic()), &lengths, |_, _| 1.0).verdicts();
        let places: Vec<_> = found.iter().map(|verdict| (verdict.intent, verdict.len)).collect();
        let all = Intent::ALL.into_iter().flat_map(|intent| lengths.map(|len| (intent, len)));
        assert_eq!(places, all.collect::<Vec<_>>());
    }

    #[test]
    fn the_primitive_of_the_tuning_is_measured_once() {
        for row in clearpage::primitives().iter().filter_map(|row| row.available().ok()) {
            if row.sets_tags() {
                continue;
            }
            let found = measured(Tuning::uniform(row.primitive()), &[4096], |_, _| 1.0);
            for case in [Case::Cold, Case::Use, Case::Reuse] {
                let rows = found.rows(Question { case, len: 4096 });
                assert_eq!(rows.iter().filter(|&&measured| measured == row).count(), 1);
            }
        }
    }

    #[test]
    fn a_lead_that_is_lost_in_two_rounds_of_seven_is_noise() {
        let times = |rounds: [f64; 7]| [Times { primitive: generic(), rounds: rounds.to_vec() }];
        let old = times([1.0; 7]);
        assert!(wins(&times([0.5, 0.5, 0.5, 2.0, 0.5, 0.5, 0.5]), &old));
        assert!(!wins(&times([0.5, 0.5, 0.5, 2.0, 1.0, 0.5, 0.5]), &old));
        // Against a primitive that was dropped after three rounds, all three must be won.
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
        let tuning = measured(Tuning::uniform(generic()), &[4096, 1 << 20], time).tuning();
        assert_eq!(tuning.choose(Intent::Cold, 4096), other());
        assert_eq!(tuning.choose(Intent::Hot, 4096), generic());
        assert_eq!(tuning.choose(Intent::Auto, 4096), generic());
    }

    #[test]
    fn an_open_question_leaves_the_tuning_unchanged() {
        let base = Tuning::uniform(generic());
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
        let found = measure(&detected, Duration::ZERO);
        assert_eq!(found.tuning(), detected);
        assert!(found.answers.is_empty() && found.verdicts().is_empty());
        assert_eq!(found.unanswered().len(), found.questions().len());
        // Cold first.
        let cold = found.unanswered().iter().take_while(|question| question.case == Case::Cold);
        assert_eq!(cold.count(), found.lengths.len());
    }

    #[test]
    fn a_measured_tuning_survives_its_text() {
        // The first question may take seconds under emulation.
        let budgets = (0..7).map(|shift| Duration::from_secs(1 << shift));
        let mut measured = budgets.map(|budget| measure(&Tuning::detect(), budget));
        let found = measured.find(|found| !found.answers.is_empty()).expect("an answer");
        let tuning = found.tuning();
        assert_eq!(tuning.to_string().parse::<Tuning>(), Ok(tuning));
        for intent in Intent::ALL {
            assert!(tuning.steps(intent).all(|(_, row)| row.available().is_ok()), "{tuning}");
        }
        for verdict in found.verdicts() {
            assert!(verdict.gain >= 1.0, "{verdict:?}");
            assert_eq!(verdict.gain > 1.0, verdict.before != verdict.after, "{verdict:?}");
        }
    }
}
