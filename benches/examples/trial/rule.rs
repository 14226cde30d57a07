//! When a trial ends, and how.

use clearpage_cli::measure::median;

/// How pairs become a decision. `lead`: 1.2 is a rival that is 1.2 times as fast.
#[derive(Clone, Copy, Debug)]
pub enum Test {
    /// Of `pairs`, the median has the lead and the rival wins `wins`. Two in which the rival is
    /// 1.5 times as slow end the trial.
    Median { pairs: usize, lead: f64, wins: usize },
    /// The rival has the lead in `wins` pairs before it misses it in `losses`.
    Race { lead: f64, wins: usize, losses: usize },
    /// The sum of the logarithms beyond the lead, each cut off at `limit`, reaches `up` before
    /// `-down`, within `pairs`.
    Sum { lead: f64, limit: f64, up: f64, down: f64, pairs: usize },
}

/// A rule of decision.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name.
    pub name: &'static str,
    /// Each arm clears the size of the call divided by this; 0: 128 KiB.
    pub divide: usize,
    /// Pairs that do not count, at the beginning.
    pub dropped: usize,
    /// Pairs, of either order, whose mean counts as one.
    pub block: usize,
    /// How pairs become a decision.
    pub test: Test,
}

/// The best of each kind; the first is the one whose figures are printed in full.
#[rustfmt::skip]
pub const RULES: [Rule; 9] = [
    Rule { name: "sum, 1.22", divide: 0, dropped: 0, block: 1, test: Test::Sum { lead: 1.22, limit: 0.25, up: 0.8, down: 0.5, pairs: 11 } },
    Rule { name: "sum, 1.33", divide: 0, dropped: 0, block: 1, test: Test::Sum { lead: 1.33, limit: 0.25, up: 0.6, down: 0.6, pairs: 11 } },
    Rule { name: "sum, 1.12", divide: 0, dropped: 0, block: 1, test: Test::Sum { lead: 1.12, limit: 0.35, up: 1.1, down: 0.6, pairs: 11 } },
    Rule { name: "7 of 8, 1.10, halves", divide: 2, dropped: 2, block: 1, test: Test::Median { pairs: 8, lead: 1.10, wins: 7 } },
    Rule { name: "7 of 8, 1.10, eighths", divide: 8, dropped: 2, block: 1, test: Test::Median { pairs: 8, lead: 1.10, wins: 7 } },
    Rule { name: "7 of 8, 1.10", divide: 0, dropped: 2, block: 1, test: Test::Median { pairs: 8, lead: 1.10, wins: 7 } },
    Rule { name: "8 of 10, 1.30", divide: 0, dropped: 1, block: 1, test: Test::Median { pairs: 10, lead: 1.30, wins: 8 } },
    Rule { name: "3 of 5 blocks, 1.30", divide: 0, dropped: 1, block: 2, test: Test::Median { pairs: 5, lead: 1.30, wins: 3 } },
    Rule { name: "race to 6, 1.30", divide: 0, dropped: 0, block: 1, test: Test::Race { lead: 1.30, wins: 6, losses: 6 } },
];

impl Rule {
    /// Returns the bytes that each arm clears in a call of `size`.
    pub fn slice(&self, size: usize) -> usize {
        size.checked_div(self.divide).unwrap_or(128 << 10)
    }

    /// Returns the pairs until the decision, and whether the rival replaces the plan. `pair`
    /// returns the logarithm of how many times as fast the rival was; its argument is whether the
    /// rival goes first.
    pub fn decide(&self, mut pair: impl FnMut(bool) -> f64) -> (usize, bool) {
        // A B, B A, B A, A B.
        let mut pairs = (0..).map(|n| pair(matches!(n % 4, 1 | 2)));
        pairs.by_ref().take(self.dropped).for_each(drop);
        let mut seen = Vec::with_capacity(16);
        loop {
            let sum: f64 = pairs.by_ref().take(self.block).sum();
            seen.push(sum / self.block as f64);
            if let Some(switch) = self.test.verdict(&seen) {
                return (self.dropped + self.block * seen.len(), switch);
            }
        }
    }
}

impl Test {
    /// Returns whether the rival replaces the plan; `None` if the trial goes on.
    fn verdict(self, seen: &[f64]) -> Option<bool> {
        let count = |least: f64| seen.iter().filter(|log| **log >= least).count();
        match self {
            Self::Median { pairs, lead, wins } => {
                if seen.len() - count(-1.5_f64.ln()) >= 2 {
                    return Some(false);
                }
                let wins = count(0.0) >= wins;
                let over = seen.len() == pairs;
                over.then(|| wins && median(&mut seen.to_vec()) >= lead.ln())
            }
            Self::Race { lead, wins, losses } => {
                let won = count(lead.ln());
                (won == wins || seen.len() - won == losses).then_some(won == wins)
            }
            Self::Sum { lead, limit, up, down, pairs } => {
                let part = |log: &f64| (log - lead.ln()).clamp(-limit, limit);
                let sum: f64 = seen.iter().map(part).sum();
                (sum >= up || sum <= -down || seen.len() == pairs).then_some(sum >= up)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;
    use crate::noise::normal;

    /// Switches in 10,000 trials of a rival `gain` times as fast, with this scatter of the pairs.
    fn switches(rule: &Rule, gain: f64, scatter: f64) -> usize {
        let mut random = Rng::with_seed(1);
        let mut one = || rule.decide(|_| gain.ln() + scatter * normal(&mut random)).1;
        (0..10_000).filter(|_| one()).count()
    }

    #[test]
    fn rival_of_1_7_times_is_found_and_one_of_0_95_is_not() {
        for rule in &RULES {
            assert!(switches(rule, 1.7, 0.08) >= 9_900, "{}", rule.name);
            assert_eq!(switches(rule, 0.95, 0.05), 0, "{}", rule.name);
        }
    }

    #[test]
    fn equal_arms_switch_at_most_once_in_a_thousand() {
        assert!(RULES[..3].iter().all(|rule| switches(rule, 1.0, 0.15) <= 10));
    }

    #[test]
    fn one_spike_of_ten_times_decides_nothing() {
        for rule in RULES.iter().filter(|rule| rule.block == 1) {
            let mut first = true;
            let spike = |_| if std::mem::take(&mut first) { 10_f64.ln() } else { 0.0 };
            assert!(!rule.decide(spike).1, "{}", rule.name);
        }
    }

    #[test]
    fn each_arm_goes_first_in_half_of_the_pairs() {
        let mut orders = Vec::new();
        RULES[8].decide(|rival_first| {
            orders.push(rival_first);
            if orders.len() % 2 == 0 { 1.0 } else { -1.0 }
        });
        assert_eq!(orders[..8], [false, true, true, false, false, true, true, false]);
    }

    #[test]
    fn every_trial_ends_within_12_clears() {
        let longest = |rule: &Rule| [-1.0, 0.0, 0.2, 0.3, 1.0].map(|log| rule.decide(|_| log).0);
        assert!(RULES.iter().all(|rule| longest(rule).iter().all(|npairs| *npairs <= 12)));
    }
}
