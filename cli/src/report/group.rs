//! Groups cells that differ in contender and size only: a picture shows one group.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Backing, Cell, Place, Report, Temperature};

/// The contender that follows the plan.
pub const PLAN: &str = "plan";

/// A [`Place`] without its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    pub threads: usize,
    pub backing: Backing,
    pub temperature: Temperature,
    /// The CPU of a single pinned thread.
    pub cpu: Option<usize>,
}

impl Group {
    pub fn of(place: &Place) -> Self {
        let &Place { cpu, threads, backing, temperature, .. } = place;
        Self { threads, backing, temperature, cpu }
    }

    /// Returns the heading: "Cold, thp, CPU 0".
    pub fn name(&self) -> String {
        format!("{}, {}", self.work(), self.setup())
    }

    /// Returns the backing and the CPU or the number of threads.
    pub fn setup(&self) -> String {
        let &Self { threads, backing, temperature, cpu } = self;
        Place { cpu, threads, backing, temperature, size: 0 }.setup()
    }

    pub const fn work(&self) -> &'static str {
        match self.temperature {
            Temperature::Hot => "Hot",
            Temperature::Reuse => "In the cache: clear, then use",
            Temperature::Cold => "Cold",
            Temperature::Use => "Not in the cache: clear, then use",
            Temperature::Fault => "Page faults",
        }
    }
}

/// Returns the groups of a report, sorted, each with its cells.
pub fn groups(report: &Report) -> Vec<(Group, Vec<&Cell>)> {
    let mut groups = BTreeMap::<Group, Vec<&Cell>>::new();
    for cell in &report.cells {
        groups.entry(Group::of(&cell.place)).or_default().push(cell);
    }
    groups.into_iter().collect()
}

/// Returns the pinned CPU with the most figures (the first of several), or `None` if no thread was
/// pinned.
pub fn main_cpu(report: &Report) -> Option<usize> {
    let mut figures = BTreeMap::<usize, usize>::new();
    for cell in &report.cells {
        if let Some(cpu) = cell.place.cpu {
            *figures.entry(cpu).or_default() += 1;
        }
    }
    let most = figures.values().copied().max()?;
    figures.into_iter().find(|&(_, n)| n == most).map(|(cpu, _)| cpu)
}

/// Returns the sizes of some cells, rising.
pub fn sizes(cells: &[&Cell]) -> Vec<usize> {
    let mut sizes: Vec<_> = cells.iter().map(|cell| cell.place.size).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// Returns the contenders of some cells, in their order.
pub fn contenders<'a>(cells: impl IntoIterator<Item = &'a Cell>) -> Vec<&'a str> {
    let mut seen = HashSet::new();
    cells.into_iter().map(|cell| &*cell.contender).filter(|&name| seen.insert(name)).collect()
}

/// The cells of a group, by contender and size.
#[derive(Debug)]
pub struct Index<'a> {
    cells: HashMap<(&'a str, usize), &'a Cell>,
    best: HashMap<usize, &'a Cell>,
    envelope: HashMap<usize, &'a Cell>,
}

impl<'a> Index<'a> {
    pub fn new(cells: &[&'a Cell]) -> Self {
        let (mut all, mut best, mut envelope) = (HashMap::new(), HashMap::new(), HashMap::new());
        let keep_faster = |map: &mut HashMap<usize, &'a Cell>, cell: &'a Cell| {
            let fastest = map.entry(cell.place.size).or_insert(cell);
            if cell.ns.total_cmp(&fastest.ns).is_lt() {
                *fastest = cell;
            }
        };
        for &cell in cells {
            all.entry((&*cell.contender, cell.place.size)).or_insert(cell);
            if cell.primitive {
                keep_faster(&mut best, cell);
            }
            if cell.in_envelope() {
                keep_faster(&mut envelope, cell);
            }
        }
        envelope.retain(|size, _| best.contains_key(size));
        Self { cells: all, best, envelope }
    }

    /// Returns the figure of one contender at one size.
    pub fn find(&self, contender: &str, size: usize) -> Option<&'a Cell> {
        self.cells.get(&(contender, size)).copied()
    }

    /// Returns the fastest primitive at one size.
    pub fn best(&self, size: usize) -> Option<&'a Cell> {
        self.best.get(&size).copied()
    }

    /// Returns the envelope at one size, if it has a primitive.
    pub fn envelope(&self, size: usize) -> Option<&'a Cell> {
        self.envelope.get(&size).copied()
    }
}
