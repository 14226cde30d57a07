//! `clearpage-replay hugetlb`: 8192 huge pages allocated.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use crate::arena::{Arena, BLOCK, BLOCK_PAGES, Init};
use crate::ground::{self, Ground};
use crate::race::{Interrupted, Sample, Stopwatch, go_on, race};
use crate::report::{Published, Workload};
use crate::{Common, Finished, nothing_to_tell};
use clearpage_cli::UserError;
use clearpage_cli::harness::measure::warm_up;
use clearpage_cli::harness::memory;
use clearpage_cli::harness::output::note;
use clearpage_cli::harness::pin::pin;
use clearpage_cli::harness::progress::progress;
use clearpage_cli::harness::room::Room;
use clearpage_cli::harness::units::{Size, cost};

/// The number of huge pages that a run allocates.
const BLOCKS: usize = 8192;
/// Bytes of a run. If less memory is free, blocks are freed and allocated repeatedly.
const ALL: u64 = (BLOCKS * (BLOCK >> 20)) as u64 * (1 << 20);

/// Bytes that are touched and cleared to estimate the time.
const PROBE: usize = 64 << 20;

const ARMS: [Init; 3] = [Init::PerPage, Init::Batch, Init::Plan];

/// Seconds before and after, and the relative change.
const PUBLISHED: [f64; 3] = [0.445, 0.166, -0.627];

const NOTES: [&str; 2] = [
    "Published: the kernel allocating, on a machine that is not named. Here: a program's own",
    "allocator, over memory that was touched before; no page fault and no page table is in it.",
];

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Memory in which the 16 GiB are allocated [default: 16 GiB, or half of the free memory]
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<Size>,
    #[command(flatten)]
    pub common: Common,
}

pub fn run(args: &Args, stop: &AtomicBool) -> Result<ExitCode, UserError> {
    let output = args.common.output()?;
    let bytes = size(args.memory.as_ref(), ground::slack(), &Room::free())?;
    // If pinning fails, figures are noisier but not wrong.
    let _ = pin(None);
    let rounds = usize::from(args.common.rounds);
    let runs = ARMS.len() * rounds;
    let start = Instant::now();
    let mut probe = memory::Arena::new(PROBE);
    let touching = start.elapsed() * (bytes / PROBE) as u32;
    let time = touching + clearing(runs, warm_up(probe.pages()));
    drop(probe);
    note(&cost(time, bytes as u64));
    let least = ground::slack() as usize;
    let mut ground = match Ground::reserved(least, bytes) {
        Some(ground) => ground,
        None => Ground::take(bytes)?,
    };

    let bar = progress(runs);
    let raced = race(&ARMS, rounds, |init| {
        bar.set_message(init.what());
        let sample =
            allocate(&mut Arena::new(ground.pages(), init, NonZeroUsize::MIN), BLOCKS, stop);
        bar.inc(1);
        sample
    });
    bar.finish_and_clear();
    if raced.rounds.is_empty() {
        return Ok(nothing_to_tell(&bar));
    }
    Finished {
        ground: &ground,
        workload: Workload::Hugetlb { blocks: BLOCKS, block: BLOCK },
        cleared: ALL,
        inits: &ARMS,
        raced: &raced,
        published: &[Published::new("8192 x 2 MiB HugeTLB pages", "time", PUBLISHED)],
        notes: &NOTES,
    }
    .tell(output)
}

/// Returns about how long the runs take, if the plan clears `speed` bytes a nanosecond.
fn clearing(runs: usize, speed: f64) -> Duration {
    /// How many times as long as the plan the arms take, or so: 0.24, 0.57 and 1.2 s on Zen 4.
    const SLOWER: f64 = 2.5;
    Duration::from_nanos((SLOWER * runs as f64 * ALL as f64 / speed) as u64)
}

/// Returns the bytes of memory to use, a multiple of a block.
fn size(asked: Option<&Size>, least: u64, room: &Room) -> Result<usize, UserError> {
    let bytes = asked.map_or_else(|| ALL.min(room.most as u64 / 9 * 5), |asked| asked.bytes);
    let bytes = bytes / BLOCK as u64 * BLOCK as u64;
    if (least..=room.most as u64).contains(&bytes) {
        return Ok(bytes.min(ALL) as usize);
    }
    let asked = asked.map_or(String::new(), |asked| format!("--memory {asked}: "));
    Err(UserError(format!(
        "{asked}allowed are {} MiB (less would stay in the cache) up to {}",
        least >> 20,
        room.why
    )))
}

/// Allocates `blocks` blocks, as many at once as fit in the memory.
fn allocate(
    arena: &mut Arena<'_>,
    blocks: usize,
    stop: &AtomicBool,
) -> Result<Sample, Interrupted> {
    let (mut clock, mut left) = (Stopwatch::default(), blocks);
    while left > 0 {
        go_on(stop)?;
        let (held, _) = clock.time(|| {
            let mut held = Vec::with_capacity(left);
            held.extend(std::iter::from_fn(|| arena.alloc(BLOCK_PAGES)).take(left));
            held
        });
        assert!(!held.is_empty(), "the memory has room for a block");
        left -= held.len();
        for frames in held {
            // SAFETY: allocated above, and not used.
            unsafe { arena.free_frames(frames) };
        }
    }
    Ok(Sample { init: arena.spent().time.as_secs_f64(), total: clock.seconds })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::garbage;

    #[test]
    fn blocks_are_reused_when_memory_is_short() {
        for init in ARMS {
            let mut pages = garbage(3 * BLOCK as u64);
            let mut arena = Arena::new(&mut pages, init, NonZeroUsize::MIN);
            let sample = allocate(&mut arena, 10, &AtomicBool::new(false)).unwrap();
            assert_eq!(arena.spent().blocks, 10);
            assert_eq!(arena.spent().npages, 10 * BLOCK_PAGES as u64);
            assert!(sample.init > 0.0 && sample.init < sample.total);
            drop(arena);
            assert!(pages.iter().all(|page| page.as_bytes().iter().all(|&byte| byte == 0)));
        }
    }

    #[test]
    fn time_grows_with_the_runs_and_falls_with_the_speed() {
        let one = clearing(1, 16.0);
        assert!(one >= Duration::from_nanos(ALL / 16), "{one:?}");
        assert_eq!((clearing(15, 16.0), clearing(1, 8.0)), (15 * one, 2 * one));
    }

    #[test]
    fn memory_is_the_requested_size_or_fits_the_free_memory() {
        const MIB: u64 = 1 << 20;
        let size = |asked: Option<u64>, most: u64| {
            let room = Room { most: most as usize, why: "what there is".to_owned() };
            let asked = asked.map(|bytes| bytes.to_string().parse::<Size>().unwrap());
            size(asked.as_ref(), 64 * MIB, &room).map(|bytes| bytes as u64)
        };
        assert_eq!(ALL, 16 << 30);
        if usize::BITS == 64 {
            assert_eq!(size(None, 64 << 30).unwrap(), ALL);
            assert_eq!(size(Some(32 << 30), 64 << 30).unwrap(), ALL);
        }
        assert_eq!(size(None, 900 * MIB).unwrap(), 500 * MIB);
        assert_eq!(size(Some(65 * MIB), 600 * MIB).unwrap(), 64 * MIB);
        for asked in [0, 63 * MIB, 602 * MIB, u64::MAX] {
            let UserError(message) = size(Some(asked), 600 * MIB).unwrap_err();
            assert!(message.contains("--memory"), "{message}");
            assert!(message.contains("64 MiB") && message.contains("what there is"), "{message}");
        }
        assert!(size(None, 70 * MIB).unwrap_err().0.starts_with("allowed"));
    }
}
