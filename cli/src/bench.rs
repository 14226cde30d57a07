//! `clearpage bench`: checks what was asked for, measures it, prints and writes it.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use clearpage::PAGE_SIZE;
use indicatif::{ProgressBar, ProgressStyle};

use crate::UserError;
use crate::args::Bench;
use crate::contender::{Contender, contenders};
use crate::machine::{Machine, memory};
use crate::measure::{self, Case, Effort};
use crate::memory::Arena;
use crate::pin::pin;
use crate::report::{self, Cell, Report, SCHEMA, Temperature};
use crate::table;
use crate::units::format_size;

/// The largest size measured unless sizes are given.
const LARGEST: usize = 1 << 30;
/// A cold walk goes through this many times the last-level cache, and no less than this: the part
/// that the walk before it left in the cache is then too small to see.
const WALK: usize = 16;
const SHORTEST_WALK: usize = 256 << 20;
/// All cells together take about this long, whatever the machine.
const TIME: Duration = Duration::from_secs(45);
const ROUNDS: usize = 9;

/// Runs the benchmark.
///
/// # Errors
/// An argument cannot be served: found before anything is measured.
pub fn run(args: &Bench) -> Result<(), UserError> {
    let contenders = chosen(&args.primitive)?;
    let most = usize::try_from(memory().available / 10 * 9).unwrap_or(isize::MAX as usize);
    let (sizes, less) = sizes(&args.size, most)?;
    let json = args.json.as_deref().map(writable).transpose()?;
    let pictures = args.outputs.open()?;
    let cpu = pin(args.cpu)?;
    let machine = Machine::detect();

    let temperatures = match args.intent {
        Some(heat) => vec![heat.temperature()],
        None => vec![Temperature::Hot, Temperature::Cold],
    };
    let cases: Vec<Case> =
        temperatures.iter().flat_map(|&t| sizes.iter().map(move |&size| (size, t))).collect();
    let effort = match args.loops {
        Some(loops) => Effort { rounds: loops.into(), limit: Duration::MAX },
        None => Effort { rounds: ROUNDS, limit: TIME / cases.len() as u32 },
    };
    let walk = (WALK * machine.l3).max(SHORTEST_WALK).min(most);
    let started = std::time::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_secs());
    let mut cells = measured(&contenders, &cases, effort, walk);

    let warnings = less.into_iter().chain(warnings(&machine, cpu)).collect();
    cells.iter_mut().for_each(|cell| cell.place.cpu = cpu);
    report::compare_to_envelope(&mut cells);
    let report = Report {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: std::env::args().skip(1).collect(),
        started,
        complete: true,
        machine,
        page_size: PAGE_SIZE,
        plan: report::plan(),
        warnings,
        cells,
    };
    table::print(&report);
    if let Some((mut file, path)) = json {
        write(&mut file, &report)
            .map_err(|error| UserError(format!("--json {}: {error}", path.display())))?;
        println!("written: {}", path.display());
    }
    pictures.write(&report)?;
    Ok(())
}

/// Measures all cases in one block of memory, with a progress bar; a cold walk goes through `walk`
/// bytes, or one call if that is more.
fn measured(contenders: &[Contender], cases: &[Case], effort: Effort, walk: usize) -> Vec<Cell> {
    let extent = |&(size, temperature): &Case| match temperature {
        Temperature::Hot => size,
        _ => walk.max(size),
    };
    let mut arena = Arena::new(cases.iter().map(extent).max().unwrap_or(PAGE_SIZE));
    measure::warm_up(arena.pages());
    let bar = progress(cases.len() * effort.rounds);
    let mut cells = Vec::new();
    for (done, case) in cases.iter().enumerate() {
        bar.set_message(format!("{} {}", case.1.name(), format_size(case.0 as u64)));
        let pages = &mut arena.pages()[..extent(case) / PAGE_SIZE];
        cells.extend(measure::cells(contenders, *case, effort, pages, |round| {
            bar.set_position((done * effort.rounds + round) as u64);
        }));
        // A case that its time limit ended has rounds left.
        bar.set_position(((done + 1) * effort.rounds) as u64);
    }
    bar.finish_and_clear();
    cells
}

/// What to keep in mind when reading the figures.
fn warnings(machine: &Machine, cpu: Option<usize>) -> impl Iterator<Item = String> {
    let hypervisor = machine.hypervisor.as_ref().map(|name| {
        format!("a hypervisor is present ({name}): others share the caches and the memory bus")
    });
    let moving =
        cpu.is_none().then(|| "the thread is not pinned: it may move between CPUs".to_owned());
    hypervisor.into_iter().chain(moving)
}

/// All contenders, or the named primitives with the plan beside them.
fn chosen(names: &[String]) -> Result<Vec<Contender>, UserError> {
    let all = contenders();
    let primitives: Vec<_> = all.iter().filter(|c| c.is_primitive()).map(|c| &*c.name).collect();
    if let Some(name) = names.iter().find(|name| !primitives.contains(&&***name)) {
        let row = clearpage::primitives().iter().find(|p| p.name() == name);
        let wrong = match row.map(|row| row.available()) {
            Some(Err(why)) => format!("not available: {why}"),
            _ => "no such primitive".to_owned(),
        };
        let allowed = primitives.join(", ");
        return Err(UserError(format!("--primitive {name}: {wrong}; allowed are {allowed}")));
    }
    let wanted: HashSet<_> = names.iter().map(String::as_str).chain(["plan"]).collect();
    Ok(all.into_iter().filter(|c| names.is_empty() || wanted.contains(&*c.name)).collect())
}

/// The sizes to measure, and what to say where memory is short.
fn sizes(asked: &[u64], most: usize) -> Result<(Vec<usize>, Option<String>), UserError> {
    let page = PAGE_SIZE as u64;
    for &size in asked {
        if size == 0 || size % page != 0 || size > most as u64 {
            return Err(UserError(format!(
                "--size {size}: allowed are multiples of the page, {}, up to what memory is \
                 free, {} MiB",
                format_size(page),
                most >> 20
            )));
        }
    }
    if !asked.is_empty() {
        return Ok((asked.iter().map(|&size| size as usize).collect(), None));
    }
    let steps = std::iter::successors(Some(PAGE_SIZE), |size| size.checked_mul(4));
    let mut sizes: Vec<_> = steps.take_while(|&size| size <= LARGEST).collect();
    let all = sizes.len();
    sizes.retain(|&size| size <= most);
    let last = sizes.last().ok_or_else(|| UserError("less than a page is free".to_owned()))?;
    let less = format!("memory is short: sizes end at {}", format_size(*last as u64));
    Ok((sizes.clone(), (sizes.len() < all).then_some(less)))
}

/// Opens the file before an hour is spent on what cannot be written; what it holds stays until
/// there is something better.
fn writable(path: &Path) -> Result<(File, &Path), UserError> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    let file = file.map_err(|error| UserError(format!("--json {}: {error}", path.display())))?;
    Ok((file, path))
}

fn write(file: &mut File, report: &Report) -> std::io::Result<()> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    file.set_len(0)?;
    file.write_all(text.as_bytes())
}

fn progress(steps: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {percent:>3} %  {msg}  {eta} left")
        .expect("a valid template");
    ProgressBar::new(steps as u64).with_style(style)
}
