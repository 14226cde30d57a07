//! Measures every primitive of this CPU, the plan and other functions by criterion: throughput of hot
//! and cold clearing. `cargo bench --bench primitives -- hot/avx2` selects some.

use std::hint::black_box;
use std::time::{Duration, Instant};

use clearpage::{PAGE_SIZE, Page};
use clearpage_cli::harness::Temperature;
use clearpage_cli::harness::contender::{Each, contenders};
use clearpage_cli::harness::memory::Arena;
use criterion::{BenchmarkId, Criterion, Throughput};

const SIZES: [usize; 4] = [4 << 10, 64 << 10, 1 << 20, 16 << 20];
/// Bytes of a cold walk: more than any cache.
const WALK: usize = 512 << 20;

/// `iters` calls on `npages` pages each, which walk through `pages` and start again at its end.
struct Calls<'a> {
    pages: &'a mut [Page],
    npages: usize,
    iters: u64,
}

impl Each<Duration> for Calls<'_> {
    fn call(self, mut clear: impl FnMut(&mut [Page])) -> Duration {
        let steps = self.pages.len() / self.npages;
        let start = Instant::now();
        for i in 0..self.iters as usize {
            let at = i % steps * self.npages;
            clear(black_box(&mut self.pages[at..at + self.npages]));
        }
        start.elapsed()
    }
}

fn primitives(c: &mut Criterion) {
    let mut arena = Arena::new(WALK);
    for temperature in [Temperature::Hot, Temperature::Cold] {
        let mut group = c.benchmark_group(temperature.name());
        group.sample_size(20);
        group.warm_up_time(Duration::from_millis(50));
        group.measurement_time(Duration::from_millis(250));
        for size in SIZES.into_iter().filter(|&size| size >= PAGE_SIZE) {
            let npages = size / PAGE_SIZE;
            let walk = match temperature {
                Temperature::Hot => npages,
                _ => WALK / PAGE_SIZE,
            };
            group.throughput(Throughput::BytesDecimal(size as u64));
            for contender in contenders() {
                group.bench_function(BenchmarkId::new(&contender.name, size), |bencher| {
                    bencher.iter_custom(|iters| {
                        let pages = &mut arena.pages()[..walk];
                        contender.kind.with(temperature.intent(), Calls { pages, npages, iters })
                    });
                });
            }
        }
        group.finish();
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    primitives(&mut criterion);
    criterion.final_summary();
}
