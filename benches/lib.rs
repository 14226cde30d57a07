//! The benchmarks of clearpage: `cargo bench --bench primitives` is criterion over the table of
//! primitives, `--bench ratios` the envelope and what the crate promises. Here is what they share.

use std::time::Instant;

use clearpage::{AvailablePrimitive, Page};
use clearpage_cli::machine::Machine;
use clearpage_cli::measure::median;
use clearpage_cli::pin::pin;
use clearpage_cli::rounds::Orders;
use clearpage_cli::table::ruled;

/// Contenders on the same memory, each a function that returns its time.
#[derive(Default)]
pub struct Race<'a> {
    racers: Vec<(&'static str, Racer<'a>)>,
}

type Racer<'a> = Box<dyn FnMut(&mut [Page]) -> f64 + 'a>;

impl<'a> Race<'a> {
    /// Adds a contender; its time may be in any unit that the others have too.
    #[must_use]
    pub fn with(mut self, name: &'static str, run: impl FnMut(&mut [Page]) -> f64 + 'a) -> Self {
        self.racers.push((name, Box::new(run)));
        self
    }

    /// Runs them in turn, in another order each round.
    pub fn run(mut self, rounds: usize, pages: &mut [Page]) -> Samples {
        let mut samples: Vec<_> =
            self.racers.iter().map(|racer| (racer.0.to_owned(), vec![])).collect();
        let mut orders = Orders::new(samples.len());
        for round in 0..=rounds {
            for &i in orders.shuffle() {
                let time = self.racers[i].1(pages);
                // The first round fetches the memory and is not kept.
                if round > 0 {
                    samples[i].1.push(time);
                }
            }
        }
        Samples(samples)
    }
}

/// Pins this thread. The machine, and a heading that names it and the CPU.
pub fn pinned() -> (Machine, String) {
    let cpu = pin(None).ok().flatten();
    let cpu = cpu.map_or("not pinned".to_owned(), |cpu| format!("pinned to CPU {cpu}"));
    let machine = Machine::detect();
    let heading = format!("{}, {cpu}", machine.cpu);
    (machine, heading)
}

/// How long `work` takes.
pub fn nanoseconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_nanos() as f64
}

/// What kernels clear pages with: `rep stosb` on x86, the first row elsewhere.
pub fn string_stores() -> AvailablePrimitive {
    let row = clearpage::primitives().first().expect("a row").available();
    row.expect("the first row is always there")
}

/// The times of each contender, by round.
pub struct Samples(pub Vec<(String, Vec<f64>)>);

impl Samples {
    fn of(&self, name: &str) -> &[f64] {
        let found = self.0.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("no contender {name}")).1
    }

    /// The median time.
    pub fn median(&self, name: &str) -> f64 {
        median(&mut self.of(name).to_vec())
    }

    /// How many times as fast as `rival` `name` is: the median over the rounds of the ratio in
    /// each, so that what slows a round down for both is not seen.
    pub fn ratio(&self, name: &str, rival: &str) -> f64 {
        let pairs = self.of(name).iter().zip(self.of(rival));
        median(&mut pairs.map(|(time, rival)| rival / time).collect::<Vec<_>>())
    }

    /// The fastest of `names` by its median.
    pub fn best<'n>(&self, names: impl Iterator<Item = &'n str>) -> &'n str {
        names.min_by(|a, b| self.median(a).total_cmp(&self.median(b))).expect("a contender")
    }
}

/// What is promised, what was found, and whether it is enough.
#[derive(Default)]
pub struct Promises(Vec<[String; 4]>);

impl Promises {
    /// `found` should be at least `least`.
    pub fn at_least(&mut self, what: &str, found: f64, least: f64) {
        let reached = if found >= least { "reached" } else { "NOT reached" };
        let row = [what.to_owned(), format!("{found:.2}"), least.to_string(), reached.to_owned()];
        self.0.push(row);
    }

    /// Prints the table.
    pub fn print(&self) {
        let mut table = ruled();
        table.set_header(["promise", "ratio", "at least", ""]);
        for row in &self.0 {
            table.add_row(row);
        }
        println!("{table}");
    }
}
