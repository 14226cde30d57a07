//! Compares clearing on several threads with the serial call: `cargo bench --bench parallel`.
//!
//! The memory has been touched before, and is on huge pages if available. A ratio is the serial
//! call's time divided by the contender's in the same round, as the median over the rounds. The
//! tables with a forced primitive show the gain if one thread does not saturate memory.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use clearpage::{Intent, PAGE_SIZE, Page, clear_pages_for};
use clearpage_benches::{compare_sizes, nanoseconds};
use clearpage_cli::harness::machine::Machine;
use clearpage_cli::harness::memory::Arena;
use clearpage_os::parallel;

const SIZES: [usize; 5] = [64 << 20, 128 << 20, 256 << 20, 1 << 30, 2 << 30];

fn main() {
    let cpus = available_parallelism().map_or(1, NonZeroUsize::get);
    println!("{}, {cpus} CPUs", Machine::detect().cpu);
    let mut arena = Arena::new(SIZES[SIZES.len() - 1]);
    for forced in [None, Some("avx2"), Some("movnti")] {
        match forced.map(clearpage::force) {
            None => println!("the plan, cold: speed relative to the serial call; GB/s"),
            Some(Ok(())) => println!("{} forced", forced.unwrap_or_default()),
            Some(Err(_)) => continue,
        }
        table(arena.pages(), cpus);
    }
}

fn table(arena: &mut [Page], cpus: usize) {
    let mut counts: Vec<_> = (1..).map(|n| 1 << n).take_while(|&n| n < 2 * cpus).collect();
    counts.iter_mut().for_each(|n| *n = cpus.min(*n));
    let clear = |pages: &mut [Page], threads| match threads {
        None => parallel::clear_pages_for(pages, Intent::Cold),
        Some(1) => clear_pages_for(pages, Intent::Cold),
        Some(n) => parallel::clear_pages_on(pages, Intent::Cold, NonZeroUsize::new(n).unwrap()),
    };
    let contenders: Vec<_> =
        [Some(1), None].into_iter().chain(counts.into_iter().map(Some)).collect();
    let name = |threads: &Option<usize>| match threads {
        None => "parallel::clear_pages_for".to_owned(),
        Some(n) => n.to_string(),
    };
    let names: Vec<_> = contenders.iter().map(name).collect();
    let speed = |serial, own| serial / own;
    compare_sizes("threads", &names, &SIZES, speed, |i, len| {
        nanoseconds(|| clear(&mut arena[..len / PAGE_SIZE], contenders[i]))
    });
}
