//! Simulates a trial of two primitives in the program's own large clears, over the figures of
//! reports and their noise: `cargo run --release -p clearpage-benches --example trial -- FILE...`.
//! docs/trial.md has the question and the answer.

mod figures;
mod noise;
mod rule;

use std::env::args_os;
use std::path::Path;
use std::process::ExitCode;

use clearpage_cli::UserError;
use clearpage_cli::table::ruled;
use clearpage_cli::units::format_size;
use fastrand::Rng;

use figures::{Scenario, Table, scenarios};
use noise::{MODELS, Model, Noise};
use rule::{RULES, Rule};

const PROCESSES: usize = 100_000;
/// Large clears after which a process is looked at.
const CLEARS: [usize; 5] = [4, 8, 12, 16, 24];
/// Bytes of which a trial may cost 1 %.
const FIRST: usize = 64 << 20;
/// Nanoseconds for three looks at the clock.
const CLOCK: f64 = 75.0;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("trial: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), UserError> {
    let mut all = Vec::new();
    for path in args_os().skip(1) {
        let path = Path::new(&path);
        all.extend(scenarios(&clearpage_cli::load::load(path)?, path));
    }
    let (mut details, mut summary) = (ruled(), ruled());
    details
        .set_header(["report", "size", "arms", "model", "4", "8", "12", "16", "24", "%", "wrong"]);
    summary.set_header(["rule", "model", "(a)", "(a) rest", "(b) %", "(c)", "(c) made", "all"]);
    for (i, rule) in RULES.iter().enumerate() {
        for model in MODELS {
            let (mut two, mut third) = (Worst::default(), Worst::default());
            for scenario in &all {
                let Some(outcome) = simulate(scenario, rule, model) else { continue };
                (if scenario.has_third() { &mut third } else { &mut two }).add(scenario, &outcome);
                if i == 0 {
                    details.add_row(detail(scenario, model, &outcome));
                }
            }
            summary.add_row(two.row(rule.name, model));
            if i == 0 {
                summary.add_row(third.row("the same, rival stosb", model));
            }
        }
    }
    println!("{}: share of the envelope after k clears; cost; wrong of 1000", RULES[0].name);
    println!("{details}\nthe worst of all sizes and reports\n{summary}");
    Ok(())
}

/// What became of all processes of one scenario.
struct Outcome {
    /// Mean share of the envelope at each of [`CLEARS`].
    shares: [f64; CLEARS.len()],
    /// What the trial took, as a share of the time of the [`FIRST`] bytes.
    cost: f64,
    /// Processes of 1000 that ended with an arm that is slower than the plan by 5 % or more.
    wrong: f64,
}

/// The worst outcome of each criterion.
struct Worst {
    /// Of (a), as a share of what the arms allow: where the rival is 1.6 times as fast as the plan
    /// or more, as on Zen 4 in November 2026, and where it is less.
    shares: [f64; 2],
    cost: f64,
    /// Of (c): by the recorded figures, and with the plan made 5 % slower as the rival.
    wrong: [f64; 2],
}

impl Default for Worst {
    fn default() -> Self {
        Self { shares: [1.0; 2], cost: 0.0, wrong: [0.0; 2] }
    }
}

impl Worst {
    fn add(&mut self, scenario: &Scenario, outcome: &Outcome) {
        let (plan, best) = scenario.times();
        let share = outcome.shares[2] / (scenario.envelope / best);
        match scenario.table {
            Table::Wrong if plan >= 1.6 * best => self.shares[0] = self.shares[0].min(share),
            Table::Wrong => self.shares[1] = self.shares[1].min(share),
            Table::Right => self.cost = self.cost.max(outcome.cost),
            Table::Made => {}
        }
        let wrong = &mut self.wrong[usize::from(scenario.table == Table::Made)];
        *wrong = wrong.max(outcome.wrong);
    }

    fn row(&self, name: &str, model: Model) -> Vec<String> {
        let [share, rest] = self.shares;
        let all =
            share >= 0.95 && self.cost <= 0.01 && self.wrong.iter().all(|wrong| *wrong <= 1.0);
        let figures = [share, rest].map(|share| format!("{share:.3}"));
        let mut row = vec![name.to_owned(), format!("{model:?}")];
        row.extend(figures);
        let [recorded, made] = self.wrong;
        row.extend([100.0 * self.cost, recorded, made].map(|figure| format!("{figure:.2}")));
        row.push(if all { "yes" } else { "no" }.to_owned());
        row
    }
}

fn detail(scenario: &Scenario, model: Model, outcome: &Outcome) -> Vec<String> {
    let names: Vec<&str> = scenario.arms.iter().map(|arm| &*arm.name).collect();
    let mut row = vec![
        scenario.report.clone(),
        format_size(scenario.size as u64),
        format!("{:?}: {}", scenario.table, names.join(" / ")),
        format!("{model:?}"),
    ];
    row.extend(outcome.shares.map(|share| format!("{share:.3}")));
    row.extend([100.0 * outcome.cost, outcome.wrong].map(|figure| format!("{figure:.2}")));
    row
}

/// Runs [`PROCESSES`]; `None` where the report has no figures for this model.
fn simulate(scenario: &Scenario, rule: &Rule, model: Model) -> Option<Outcome> {
    let slice = rule.slice(scenario.size);
    let mut noise = Noise::new(scenario, slice, model)?;
    let mut random = Rng::with_seed(1);
    let times = |size| scenario.arms.iter().map(|arm| arm.at(size).0).collect::<Vec<_>>();
    let (slices, whole) = (times(slice), times(scenario.size));
    let rest = 1.0 - 2.0 * slice as f64 / scenario.size as f64;
    let tried = |now: usize, rival: usize| slices[now] + slices[rival] + CLOCK + rest * whole[now];
    let within = FIRST / scenario.size;
    let (mut shares, mut cost, mut wrong) = ([0.0; CLEARS.len()], 0.0, 0);
    for _ in 0..PROCESSES {
        noise.start(&mut random);
        let (mut now, mut clears) = (0, 0);
        for rival in 1..whole.len() {
            let (npairs, switch) = rule.decide(|order| noise.pair(now, rival, order, &mut random));
            let during = clears + 1..=clears + npairs;
            let time = tried(now, rival);
            for (share, _) in shares.iter_mut().zip(CLEARS).filter(|(_, k)| during.contains(k)) {
                *share += scenario.envelope / time;
            }
            let counted = (clears + npairs).min(within).saturating_sub(clears);
            cost += counted as f64 * (time - whole[now]);
            clears += npairs;
            now = if switch { rival } else { now };
        }
        for (share, _) in shares.iter_mut().zip(CLEARS).filter(|(_, k)| *k > clears) {
            *share += scenario.envelope / whole[now];
        }
        wrong += usize::from(whole[now] >= 1.05 * whole[0]);
    }
    let processes = PROCESSES as f64;
    let cost = cost / processes / (within as f64 * whole[0]);
    let wrong = 1000.0 * wrong as f64 / processes;
    Some(Outcome { shares: shares.map(|share| share / processes), cost, wrong })
}
