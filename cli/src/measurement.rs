//! Turns the arguments of `bench` into a report.

use std::collections::HashSet;
use std::mem::take;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clearpage::PAGE_SIZE;

use crate::UserError;
use crate::args::Bench;
use crate::grid::{self, Block, Grid};
use crate::harness::contender::{Contender, contenders};
use crate::harness::crew::Crew;
use crate::harness::interrupt::interrupted;
use crate::harness::machine::Machine;
use crate::harness::measure::{self, Effort, End};
use crate::harness::memory::Arena;
use crate::harness::pin;
use crate::harness::program::recorded_arguments;
use crate::harness::progress::progress;
use crate::harness::sample::Memory;
use crate::isas::isas;
use crate::report::group::PLAN;
use crate::report::{self, Backing, Cell, Overhead, Report, SCHEMA};

/// A cold walk covers this many times the last-level cache, and at least `SHORTEST_WALK`. The part
/// that the previous walk left in the cache is then small, and is passed before the clock starts.
const WALK: usize = 8;
const SHORTEST_WALK: usize = 256 << 20;
/// A walk of fewer times the cache is not cold.
const SHORTENED_WALK: usize = 4;
/// Bytes of the memory that the warm-up clears.
const PROBE: usize = 64 << 20;
const ROUNDS: usize = 25;
/// A median needs at least this many samples.
const FEWEST_ROUNDS: usize = 3;

/// A measurement whose arguments were checked.
pub struct Measurement<'a> {
    args: &'a Bench,
    machine: Machine,
    blocks: Vec<Block>,
    contenders: Vec<Contender>,
    /// Bytes of the last-level cache.
    cache: usize,
    cells: Vec<Cell>,
    overhead: Vec<Overhead>,
    warnings: Vec<String>,
}

impl<'a> Measurement<'a> {
    /// Checks the arguments.
    ///
    /// # Errors
    /// An argument cannot be satisfied.
    pub fn of(args: &'a Bench) -> Result<Self, UserError> {
        let contenders = chosen(&args.primitive)?;
        // Before this thread is pinned: the machine has the CPUs that it may use.
        let machine = Machine::detect();
        let Grid { blocks, warnings } = grid::grid(args)?;
        let cache = machine.facts.l3.max(machine.facts.l2);
        let (cells, overhead) = (Vec::new(), Vec::new());
        Ok(Self { args, machine, blocks, contenders, cache, cells, overhead, warnings })
    }

    pub const fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Returns about how long the measurement takes, and the most bytes of memory that it takes at once.
    ///
    /// # Errors
    /// Memory is unavailable.
    pub fn cost(&self) -> Result<(Duration, u64), UserError> {
        let walk = (WALK * self.cache).max(SHORTEST_WALK);
        let bytes = |block: &Block| block.bytes(walk.min(block.most)) * block.cpus.len();
        let bytes = self.blocks.iter().map(bytes).fold(PROBE, usize::max);
        let time = match (self.args.loops, self.blocks.first()) {
            (Some(rounds), Some(first)) => {
                let speed = speed(first)?;
                let samples = u32::from(rounds) * self.contenders.len() as u32;
                self.blocks.iter().map(|block| block.time(samples, walk, speed)).sum()
            }
            _ => self.blocks.iter().map(|block| block.limit).sum(),
        };
        Ok((time, bytes as u64))
    }

    /// Measures. Returns the figures, and why there are no more of them.
    pub fn run(mut self) -> (Report, End) {
        let started = std::time::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_secs());
        let blocks = take(&mut self.blocks);
        let end = self.all(&blocks, &interrupted());
        self.warnings.extend(warnings(&self.machine, &blocks, &end));
        let mut report = Report {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command: recorded_arguments(),
            started,
            complete: matches!(end, End::Complete),
            machine: self.machine,
            page_size: PAGE_SIZE,
            plan: report::plan(),
            warnings: self.warnings,
            cells: self.cells,
            overhead: self.overhead,
        };
        // One thread before several.
        report.cells.sort_by_key(|cell| (cell.place.threads, cell.place));
        report.overhead.sort_by_key(|overhead| (overhead.place.threads, overhead.place));
        report::compare_to_envelope(&mut report.cells);
        (report, end)
    }

    /// Measures all blocks, with a progress bar.
    fn all(&mut self, blocks: &[Block], stop: &AtomicBool) -> End {
        const STEPS: usize = 1000;
        let bar = progress(blocks.len() * STEPS);
        let mut all = End::Complete;
        for (i, block) in blocks.iter().enumerate() {
            bar.set_message(name(block));
            let step = |done, of| bar.set_position((i * STEPS + done * STEPS / of) as u64);
            match self.block(block, stop, step).unwrap_or_else(End::Failed) {
                End::Complete => {}
                End::TooSlow => all = End::TooSlow,
                end => {
                    all = end;
                    break;
                }
            }
        }
        bar.finish_and_clear();
        all
    }

    fn block(
        &mut self,
        block: &Block,
        stop: &AtomicBool,
        step: impl FnMut(usize, usize),
    ) -> Result<End, UserError> {
        block.cpus[0].map(pin::to).transpose()?;
        let effort = self.effort(block, speed(block)?);
        let bytes = block.bytes(effort.walk);
        let mut crew = Crew::gather(&block.cpus, || {
            Ok(match block.fresh {
                false => Memory::Touched(Arena::touched(bytes, block.backing)?),
                true => Memory::Fresh(bytes, block.backing),
            })
        })?;
        let cases = &block.cases;
        let measured = measure::measure(&mut crew, &self.contenders, cases, effort, stop, step);
        let (cells, overhead) = measure::figures(&self.contenders, cases, block.place(), &measured);
        self.cells.extend(cells);
        self.overhead.extend(overhead);
        Ok(measured.end)
    }

    /// Returns how much to measure at `speed` bytes a nanosecond.
    fn effort(&mut self, block: &Block, speed: f64) -> Effort {
        let walks = block.cases.iter().filter(|case| !case.1.is_warm()).count();
        let long = (WALK * self.cache).max(SHORTEST_WALK);
        let (rounds, fewest, limit, walk) = match self.args.loops {
            Some(rounds) => (rounds.into(), rounds.into(), Duration::MAX, long),
            None => {
                // Contenders take twice as long as the plan, or so, and each walk is made twice.
                let all = 4 * FEWEST_ROUNDS * self.contenders.len() * walks.max(1);
                let affordable = (block.limit.as_nanos() as f64 * speed) as usize / all;
                let short = SHORTENED_WALK * self.cache;
                let fewest = if self.args.size.is_empty() { 0 } else { FEWEST_ROUNDS };
                (ROUNDS, fewest, block.limit, long.min(affordable).max(short))
            }
        };
        // The cache may be no multiple of a page.
        let walk = walk.min(block.most).next_multiple_of(PAGE_SIZE);
        if walks > 0 && !block.fresh && walk < SHORTENED_WALK * self.cache {
            let (walk, cache, name) = (walk >> 20, self.cache >> 20, name(block));
            self.warnings.push(format!(
                "memory is short: walks of {walk} MiB by a cache of {cache} MiB are not cold ({name})"
            ));
        }
        Effort { rounds, fewest, limit, walk }
    }
}

/// Returns the speed of the plan in the memory of a block, in bytes a nanosecond.
fn speed(block: &Block) -> Result<f64, UserError> {
    let mut probe = Arena::touched(PROBE.min(block.most), block.backing)?;
    Ok(measure::warm_up(probe.pages()))
}

/// Returns the name of a block for the user.
fn name(block: &Block) -> String {
    let fresh = if block.fresh { ", fresh" } else { "" };
    block.place().setup() + fresh
}

/// Returns the conditions that affect the figures.
fn warnings(machine: &Machine, blocks: &[Block], end: &End) -> Vec<String> {
    let hypervisor = machine.hypervisor.as_ref().map(|name| {
        format!("a hypervisor is present ({name}): others share the caches and the memory bus")
    });
    let moving = blocks.iter().any(|block| block.cpus.contains(&None));
    let moving = moving.then(|| "threads are not pinned: they may move between CPUs".to_owned());
    let thp = blocks.iter().any(|block| block.backing == Backing::Thp);
    let off = machine.huge_pages.as_deref() == Some("never");
    let small = (thp && off).then(|| {
        "transparent huge pages are switched off here: thp is of the smallest pages".to_owned()
    });
    let ended = match end {
        End::Complete => None,
        End::Interrupted => Some("interrupted: not all was measured".to_owned()),
        End::TooSlow => Some("the time was over: not all sizes were measured".to_owned()),
        End::Failed(error) => Some(format!("not all was measured: {error}")),
    };
    [hypervisor, moving, small, ended].into_iter().flatten().collect()
}

/// All contenders, or the named primitives with the plan beside them.
fn chosen(names: &[String]) -> Result<Vec<Contender>, UserError> {
    let all = contenders();
    let primitives: Vec<_> = all.iter().filter(|c| c.is_primitive()).map(|c| &*c.name).collect();
    if let Some(name) = names.iter().find(|name| !primitives.contains(&&***name)) {
        let row = clearpage::primitives().iter().find(|p| p.name() == name);
        let wrong = match row.map(|row| row.available()) {
            Some(Err(why)) => format!(" {name}: not available: {why}"),
            _ if name.is_empty() => ": the name is empty".to_owned(),
            _ => match isas(name)[..] {
                [] => format!(" {name}: no such primitive"),
                ref isas => format!(" {name}: a primitive of {}", isas.join(" and ")),
            },
        };
        let allowed = primitives.join(", ");
        return Err(UserError(format!("--primitive{wrong}; allowed are {allowed}")));
    }
    let wanted: HashSet<_> = names.iter().map(String::as_str).chain([PLAN]).collect();
    Ok(all.into_iter().filter(|c| names.is_empty() || wanted.contains(&*c.name)).collect())
}
