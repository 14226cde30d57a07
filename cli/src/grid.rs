//! Turns the arguments of `bench` into blocks of cases that share CPUs and memory. Every argument
//! that can be refused is refused here, before the first measurement.

use std::collections::BTreeSet;
use std::env::consts::OS;
use std::time::Duration;

use clap::ValueEnum;
use clearpage::PAGE_SIZE;

use crate::UserError;
use crate::args::{Bench, Cpus, Threads};
use crate::harness::machine::memory;
use crate::harness::measure::Case;
use crate::harness::memory::reserved;
use crate::harness::pin;
use crate::harness::room::Room;
use crate::harness::sample::about;
use crate::harness::units::format_size;
use crate::report::{Backing, Place, Temperature};

/// The largest size measured unless sizes are given; the second if it must be quick.
const LARGEST: [usize; 2] = [1 << 30, 256 << 20];
/// The factor from one size to the next.
const STEP: [usize; 2] = [4, 16];
/// The approximate time for all cases of one temperature of a block.
const TIME: [Duration; 2] = [Duration::from_millis(22_500), Duration::from_millis(3500)];
/// Fresh memory is mapped in pieces of this size, or of one call.
const FRESH: usize = 16 << 20;

/// Cases with the same CPUs and backing. Cases of fresh memory have a block of their own.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// The CPU of each thread; `None` if it is not pinned.
    pub cpus: Vec<Option<usize>>,
    pub backing: Backing,
    /// In the order in which they are measured.
    pub cases: Vec<Case>,
    /// Whether the memory is mapped anew for each sample.
    pub fresh: bool,
    /// Bytes that each thread may have.
    pub most: usize,
    /// About how long to measure.
    pub limit: Duration,
}

impl Block {
    /// Returns the place of its figures, except temperature and size.
    pub fn place(&self) -> Place {
        let cpu = if let [cpu] = self.cpus[..] { cpu } else { None };
        let (threads, backing) = (self.cpus.len(), self.backing);
        Place { cpu, threads, backing, temperature: Temperature::Hot, size: 0 }
    }

    /// Returns the bytes of one thread, if a walk through cold memory covers `walk` bytes.
    pub fn bytes(&self, walk: usize) -> usize {
        self.cases.iter().map(|case| self.of_case(case, walk)).max().unwrap_or(PAGE_SIZE)
    }

    fn of_case(&self, &(size, temperature): &Case, walk: usize) -> usize {
        match temperature {
            Temperature::Hot | Temperature::Reuse => size,
            Temperature::Cold | Temperature::Use => walk.max(size),
            Temperature::Fault => FRESH.max(size).min(self.most),
        }
    }

    /// Returns about how long the given number of samples of each case takes, if walks through cold
    /// memory cover `walk` bytes and the plan clears `speed` bytes a nanosecond.
    pub fn time(&self, samples: u32, walk: usize, speed: f64) -> Duration {
        /// Contenders take this many times as long as the plan, or so.
        const SLOWER: f64 = 2.0;
        let walk = walk.min(self.most);
        let time = |case: &Case| {
            // Every sample of fresh memory maps the whole block.
            let bytes = if self.fresh { self.bytes(walk) } else { self.of_case(case, walk) };
            about(*case, bytes, speed / SLOWER)
        };
        self.cases.iter().map(time).sum::<Duration>() * samples
    }
}

/// The blocks to measure, and warnings about what is left out.
#[derive(Debug)]
pub struct Grid {
    /// In the order in which they are measured.
    pub blocks: Vec<Block>,
    pub warnings: Vec<String>,
}

/// Returns the grid that `args` request on this machine.
///
/// # Errors
/// A CPU, the number of threads, reserved pages or the memory is unavailable.
pub fn grid(args: &Bench) -> Result<Grid, UserError> {
    let crews = crews(args)?;
    let threads = crews.iter().map(Vec::len).max().unwrap_or(1);
    let temperatures: Vec<Temperature> = match &args.temperature[..] {
        [] if args.share.is_some() => Temperature::value_variants().to_vec(),
        [] => vec![Temperature::Hot, Temperature::Cold],
        asked => distinct(asked.iter().flatten().copied()),
    };
    let mut grid = Grid { blocks: Vec::new(), warnings: Vec::new() };
    let memory = memory();
    for backing in backings(&args.backing, OS, reserved().is_some(), &mut grid.warnings)? {
        // Checked for the most threads, so that an error comes before the first measurement.
        let room = Room::of(backing, &memory, threads);
        let sizes = sizes(args, backing, &room, &mut grid.warnings)?;
        for cpus in &crews {
            let (fresh, touched): (Vec<_>, Vec<_>) =
                temperatures.iter().partition(|&&t| t == Temperature::Fault);
            for (fresh, of_block) in [(false, touched), (true, fresh)] {
                if of_block.is_empty() {
                    continue;
                }
                // If time is short, the largest sizes are left out.
                let cases = sizes.iter().flat_map(|&s| of_block.iter().map(move |&t| (s, t)));
                let limit = TIME[usize::from(args.quick)] * of_block.len() as u32;
                let (cpus, cases) = (cpus.clone(), cases.collect());
                let most = room.most;
                grid.blocks.push(Block { cpus, backing, cases, fresh, most, limit });
            }
        }
    }
    Ok(grid)
}

/// Returns the sorted list without duplicates.
fn distinct<T: Ord>(list: impl Iterator<Item = T>) -> Vec<T> {
    let mut list: Vec<T> = list.collect();
    list.sort();
    list.dedup();
    list
}

/// The CPUs of each crew: one alone on each CPU, and several on as many.
fn crews(args: &Bench) -> Result<Vec<Vec<Option<usize>>>, UserError> {
    let allowed = pin::allowed()?;
    let asked = match &args.cpu {
        None => None,
        Some(Cpus::All) => Some(allowed.clone()),
        Some(Cpus::Some(ranges)) => {
            // The ends first: a range between allowed CPUs is not long.
            for range in ranges {
                pin::among(*range.start(), &allowed)?;
                pin::among(*range.end(), &allowed)?;
            }
            // Not longer than the CPUs, even if a range is named again and again.
            let cpus: BTreeSet<usize> = ranges.iter().cloned().flatten().collect();
            Some(cpus.into_iter().collect())
        }
    };
    // Also tests whether threads can be pinned at all.
    let here = pin::pin(None)?;
    for &cpu in asked.iter().flatten() {
        pin::among(cpu, &allowed)?;
    }
    let single = asked.clone().map_or(vec![here], |cpus| cpus.into_iter().map(Some).collect());
    let pool = asked.unwrap_or(allowed);
    let counts = match &args.threads[..] {
        [] => vec![1],
        asked => distinct(asked.iter().map(|threads| match threads {
            Threads::Some(n) => *n,
            Threads::All => pool.len(),
        })),
    };
    let mut crews = Vec::new();
    for threads in counts {
        if threads > pool.len() {
            let whose = if args.cpu.is_some() { "--cpu names" } else { "this process may use" };
            let most = pool.len();
            let few =
                format!("--threads {threads}: allowed are up to {most}, the CPUs that {whose}");
            return Err(UserError(few));
        }
        match threads {
            1 => crews.extend(single.iter().map(|&cpu| vec![cpu])),
            // If no thread can be pinned, the scheduler places them.
            _ => crews.push(pool[..threads].iter().map(|&cpu| here.and(Some(cpu))).collect()),
        }
    }
    Ok(crews)
}

/// Returns the pages of all memory on a system where they cannot be chosen.
fn only(os: &str) -> Option<Backing> {
    match os {
        "linux" => None,
        // Large pages need a privilege there, and are never transparent.
        "windows" => Some(Backing::Base),
        _ => Some(Backing::Thp),
    }
}

/// Returns the backings to measure; for "all", the available ones.
fn backings(
    asked: &[Vec<Backing>],
    os: &str,
    reserved: bool,
    warnings: &mut Vec<String>,
) -> Result<Vec<Backing>, UserError> {
    if asked.is_empty() {
        return Ok(vec![only(os).unwrap_or(Backing::Thp)]);
    }
    let mut backings = Vec::new();
    for backing in distinct(asked.iter().flatten().copied()) {
        // Otherwise by "all".
        let named = asked.iter().any(|pages| pages[..] == [backing]);
        let wrong = match backing {
            _ if only(os).is_some_and(|only| only != backing) => {
                "pages can be chosen only on Linux"
            }
            Backing::Hugetlb if !reserved => {
                "no huge page is reserved and free; `sysctl vm.nr_hugepages=512` reserves some"
            }
            _ => {
                backings.push(backing);
                continue;
            }
        };
        let wrong = format!("--backing {}: {wrong}", backing.name());
        if named {
            return Err(UserError(wrong));
        }
        warnings.push(wrong + "; left out");
    }
    Ok(backings)
}

/// Returns the requested sizes, or the default sizes that fit in memory.
fn sizes(
    args: &Bench,
    backing: Backing,
    room: &Room,
    warnings: &mut Vec<String>,
) -> Result<Vec<usize>, UserError> {
    let page = PAGE_SIZE as u64;
    for size in &args.size {
        let wrong = match size.bytes {
            0 => format!("nothing to clear; the least is a page, {}", format_size(page)),
            bytes if bytes % page != 0 => {
                format!("not a multiple of the page size, {}", format_size(page))
            }
            bytes if bytes > room.most as u64 => format!("too large; the most is {}", room.why),
            _ => continue,
        };
        return Err(UserError(format!("--size {size}: {wrong}")));
    }
    if !args.size.is_empty() {
        return Ok(distinct(args.size.iter().map(|size| size.bytes as usize)));
    }
    let (largest, step) = (LARGEST[usize::from(args.quick)], STEP[usize::from(args.quick)]);
    let steps = std::iter::successors(Some(PAGE_SIZE), |size| size.checked_mul(step));
    let mut sizes: Vec<_> = steps.take_while(|&size| size <= largest).collect();
    let all = sizes.len();
    sizes.retain(|&size| size <= room.most);
    let Some(&last) = sizes.last() else {
        return Err(UserError(format!("not even a page fits: the most is {}", room.why)));
    };
    if sizes.len() < all {
        let (last, name) = (format_size(last as u64), backing.name());
        warnings.push(format!("memory is short: {name} sizes end at {last}"));
    }
    Ok(sizes)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    fn args(options: &[&str]) -> Bench {
        match Cli::try_parse_from([&["clearpage", "bench"], options].concat()).unwrap().command {
            Some(Command::Bench(args)) => *args,
            _ => unreachable!("the command is bench"),
        }
    }

    fn room(most: usize) -> Room {
        Room { most, why: "1 MiB (all)".to_owned() }
    }

    #[test]
    fn fresh_memory_is_a_block_of_its_own() {
        let Grid { blocks, .. } = grid(&args(&["--temperature=fault,use,hot", "--quick"])).unwrap();
        assert_eq!(blocks.iter().map(|block| block.fresh).collect::<Vec<_>>(), [false, true]);
        let temperatures = |block: &Block| distinct(block.cases.iter().map(|case| case.1));
        assert_eq!(temperatures(&blocks[0]), [Temperature::Hot, Temperature::Use]);
        assert_eq!(temperatures(&blocks[1]), [Temperature::Fault]);
        assert!(blocks[0].cases.is_sorted());
        // The walk, the largest call, and the pieces of fresh memory.
        assert_eq!(blocks[0].bytes(1 << 30), 1 << 30);
        assert_eq!(blocks[0].bytes(0), blocks[0].cases.last().unwrap().0);
        assert!(blocks[1].bytes(1 << 30) < 1 << 30);
    }

    #[test]
    fn time_grows_with_the_samples_the_sizes_and_the_walk() {
        let time = |options: &[&str], samples, walk| {
            let Grid { blocks, .. } = grid(&args(options)).unwrap();
            blocks.iter().map(|block| block.time(samples, walk, 16.0)).sum::<Duration>()
        };
        for temperature in Temperature::value_variants() {
            let temperature = format!("--temperature={}", temperature.name());
            let one = time(&[&temperature, "--size=1M"], 1, 1 << 30);
            assert!(one > Duration::from_micros(100), "{temperature}: {one:?}");
            assert_eq!(time(&[&temperature, "--size=1M"], 75, 1 << 30), 75 * one);
            assert!(time(&[&temperature, "--size=1M,2M"], 1, 1 << 30) >= 2 * one);
        }
        // Memory is walked through twice, at half the speed of the plan.
        let walk = time(&["--temperature=cold", "--size=1M"], 1, 1 << 26);
        assert_eq!(walk, 2 * Duration::from_nanos(2 * (1 << 26) / 16));
        // A larger call lengthens its own walk alone.
        let two = time(&["--temperature=cold", "--size=1M,64M"], 1, 1 << 24);
        let call = time(&["--temperature=cold", "--size=64M"], 1, 1 << 24);
        assert_eq!(two - call, walk / 4);
    }

    #[test]
    fn sizes_end_at_the_free_memory() {
        let sizes = |options: &[&str], most| {
            let mut warnings = Vec::new();
            let sizes = sizes(&args(options), Backing::Base, &room(most), &mut warnings).unwrap();
            (sizes.len(), *sizes.last().unwrap(), warnings.join("; "))
        };
        let steps = |step: u32| (LARGEST[usize::from(step == 4)] / PAGE_SIZE).ilog2() / step;
        let (all, quick) = (steps(2) as usize + 1, steps(4) as usize + 1);
        assert_eq!(sizes(&[], usize::MAX).0, all);
        assert_eq!(sizes(&["--quick"], usize::MAX).0, quick);
        let (_, last, warning) = sizes(&[], 4 * PAGE_SIZE + 1);
        assert_eq!(last, 4 * PAGE_SIZE);
        assert!(warning.starts_with("memory is short: base sizes end at "), "{warning}");
        let few = super::sizes(&args(&[]), Backing::Base, &room(1), &mut Vec::new());
        assert!(few.unwrap_err().to_string().ends_with("1 MiB (all)"));
    }

    #[test]
    fn unavailable_backings_are_left_out_of_all_and_refused_by_name() {
        let mut warnings = Vec::new();
        let mut found = |asked: &str, reserved| {
            backings(&args(&["--backing", asked]).backing, "linux", reserved, &mut warnings)
        };
        assert_eq!(found("thp,thp", false).unwrap(), [Backing::Thp]);
        assert!(found("hugetlb", false).is_err());
        assert!(found("all,hugetlb", false).is_err());
        let all = <Backing as clap::ValueEnum>::value_variants();
        assert_eq!(found("all", true).unwrap(), all);
        assert_eq!(found("all", false).unwrap(), [Backing::Base, Backing::Thp]);
        assert_eq!(warnings.len(), 1);
    }

    #[test]
    fn windows_has_only_base_pages() {
        let of = |os, options: &[&str]| {
            backings(&args(options).backing, os, false, &mut Vec::new()).map_err(|e| e.to_string())
        };
        for (os, page) in
            [("linux", Backing::Thp), ("macos", Backing::Thp), ("windows", Backing::Base)]
        {
            assert_eq!(of(os, &[]).unwrap(), [page], "{os}");
            assert_eq!(of(os, &["--backing", page.name()]).unwrap(), [page], "{os}");
        }
        assert_eq!(of("windows", &["--backing=all"]).unwrap(), [Backing::Base]);
        let wrong = of("windows", &["--backing=thp"]).unwrap_err();
        assert_eq!(wrong, "--backing thp: pages can be chosen only on Linux");
    }
}
