//! The benchmarks of clearpage: `cargo bench --bench primitives` is criterion over the table of
//! primitives, `--bench ratios` the envelope and what the crate promises. Here is what they share.

use std::convert::Infallible;
use std::time::Instant;

use clearpage::{AvailablePrimitive, Page};
use clearpage_cli::harness::machine::Machine;
use clearpage_cli::harness::measure::median;
use clearpage_cli::harness::pin::pin;
use clearpage_cli::harness::rounds::race;
use clearpage_cli::harness::table::ruled;
use clearpage_cli::harness::units::format_size;

/// Contenders that clear the same memory. Each is a function that returns its time.
#[derive(Default)]
pub struct Race<'a> {
    racers: Vec<(&'static str, Racer<'a>)>,
}

type Racer<'a> = Box<dyn FnMut(&mut [Page]) -> f64 + 'a>;

impl<'a> Race<'a> {
    /// Adds a contender. All contenders must return times in the same unit.
    #[must_use]
    pub fn with(mut self, name: &'static str, run: impl FnMut(&mut [Page]) -> f64 + 'a) -> Self {
        self.racers.push((name, Box::new(run)));
        self
    }

    /// Runs the contenders in a new order each round.
    pub fn run(mut self, rounds: usize, pages: &mut [Page]) -> Samples {
        // The first round warms the memory up and is dropped.
        let times =
            race(self.racers.len(), rounds + 1, |i| Ok::<_, Infallible>(self.racers[i].1(pages)));
        let of = |i: usize| times[1..].iter().map(|round| round[i]).collect();
        let named = self.racers.iter().enumerate();
        Samples(named.map(|(i, racer)| (racer.0.to_owned(), of(i))).collect())
    }
}

/// Pins this thread. Returns the machine, and a heading that names it and the CPU.
pub fn pinned() -> (Machine, String) {
    let cpu = pin(None).ok().flatten();
    let cpu = cpu.map_or("not pinned".to_owned(), |cpu| format!("pinned to CPU {cpu}"));
    let machine = Machine::detect();
    let heading = format!("{}, {cpu}", machine.cpu);
    (machine, heading)
}

/// Returns the time of `work` in nanoseconds.
pub fn nanoseconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_nanos() as f64
}

/// Returns the primitive that kernels clear pages with: `rep stosb` on x86, the first row elsewhere.
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

    /// Returns the median time.
    pub fn median(&self, name: &str) -> f64 {
        median(&mut self.of(name).to_vec())
    }

    /// Returns how many times as fast as `rival` the contender `name` is: the median of the ratios
    /// of each round. A disturbance that slows down both in one round cancels out.
    pub fn ratio(&self, name: &str, rival: &str) -> f64 {
        let pairs = self.of(name).iter().zip(self.of(rival));
        median(&mut pairs.map(|(time, rival)| rival / time).collect::<Vec<_>>())
    }

    /// Returns the name with the least median time.
    pub fn best<'n>(&self, names: impl Iterator<Item = &'n str>) -> &'n str {
        names.min_by(|a, b| self.median(a).total_cmp(&self.median(b))).expect("a contender")
    }
}

/// Measures contenders on each of some sizes and prints a table: the ratio to the first contender's
/// time in the same round, as the median over the rounds, and GB/s. `ratio` is of the time of the
/// first and the contender's own; `time` returns nanoseconds of a contender and a size.
pub fn compare_sizes(
    title: &str,
    names: &[String],
    sizes: &[usize],
    ratio: fn(f64, f64) -> f64,
    mut time: impl FnMut(usize, usize) -> f64,
) {
    const ROUNDS: usize = 11;
    let mut rows: Vec<_> = names.iter().map(|name| vec![name.clone()]).collect();
    for &len in sizes {
        let times = race(names.len(), ROUNDS, |i| Ok::<_, Infallible>(time(i, len)));
        for (i, row) in rows.iter_mut().enumerate() {
            let mut own: Vec<_> = times.iter().map(|round| round[i]).collect();
            let mut ratios: Vec<_> = times.iter().map(|round| ratio(round[0], round[i])).collect();
            let rate = len as f64 / median(&mut own);
            row.push(format!("{:.2}; {rate:.1}", median(&mut ratios)));
        }
    }
    let mut table = ruled();
    let columns = sizes.iter().map(|&size| format_size(size as u64));
    table.set_header([title.to_owned()].into_iter().chain(columns));
    rows.into_iter().for_each(|row| _ = table.add_row(row));
    println!("{table}");
}

/// A table of promised ratios, measured ratios, and whether the promise is kept.
#[derive(Default)]
pub struct Promises(Vec<[String; 4]>);

impl Promises {
    /// Adds a row: `found` must be at least `least`.
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
