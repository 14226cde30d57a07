//! Compares taking a zeroed block from the pool with zeroing one now: `cargo bench --bench pool`.
//!
//! A time is the mean per block of a round, a ratio the median over the rounds. The cleared memory
//! is cold, as memory is that an allocator has not used lately: each call clears the next block of
//! an arena that exceeds the caches. The last column adds a write to every line of the block, which
//! is faster if the clear left the lines in the cache.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux {
    use std::cell::Cell;
    use std::hint::black_box;
    use std::ptr::null_mut;
    use std::time::Duration;

    use clearpage::{Intent, Order, PAGE_SIZE, Page, clear_page, clear_pages_for};
    use clearpage_benches::{Promises, Race, nanoseconds, pinned};
    use clearpage_cli::harness::memory::Arena;
    use clearpage_cli::harness::table::ruled;
    use clearpage_cli::harness::units::format_size;
    use clearpage_os::pool::{ZeroBlock, ZeroPool};
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

    const MIB: usize = 1 << 20;
    const ROUNDS: usize = 21;
    /// Pages per round: three quarters of the ready ones, so that the pool's thread wakes once.
    const BLOCKS: usize = 3072;
    const READY: usize = BLOCKS / 3 * 4;

    pub fn main() {
        // Before this thread is pinned: the pool's thread would inherit the CPU.
        let pool = |order| {
            let pool = ZeroPool::builder(READY >> order).min(READY >> order);
            pool.order(Order::new(order as u32).expect("small")).build().expect("a thread")
        };
        let (pages, blocks) = (pool(0), pool(4));
        let (machine, heading) = pinned();
        println!("{heading}, {ROUNDS} rounds");
        let mut arena = Arena::new((16 * machine.facts.l3).max(256 * MIB));
        let mut promises = Promises::default();
        for pool in [&pages, &blocks] {
            race(&mut promises, pool, arena.pages());
        }
        promises.print();
    }

    /// Writes a word to every line of a block.
    fn write(pages: &mut [Page]) {
        for page in pages {
            for line in page.as_bytes_mut().chunks_mut(64) {
                line[..8].copy_from_slice(black_box(&[1; 8]));
            }
        }
    }

    fn race(promises: &mut Promises, pool: &ZeroPool, arena: &mut [Page]) {
        let (npages, blocks) = (pool.order().npages(), BLOCKS >> pool.order().get());
        let size = format_size(pool.order().bytes() as u64);
        let at = Cell::new(0);
        // Each call clears the next block of the arena.
        let clear = |intent| {
            let at = &at;
            move |arena: &mut [Page], written: bool| {
                nanoseconds(|| {
                    for _ in 0..blocks {
                        let start = ((at.get() + npages) % (arena.len() - npages)) & !(npages - 1);
                        at.set(start);
                        let block = &mut arena[start..][..npages];
                        match npages {
                            1 => clear_one(&mut block[0], intent),
                            _ => clear_pages_for(block, intent),
                        }
                        if written {
                            write(block);
                        }
                    }
                })
            }
        };
        let take = |_: &mut [Page], written: bool| {
            warm(pool);
            let before = pool.stats();
            let mut taken: Vec<ZeroBlock> = Vec::with_capacity(blocks);
            let time = nanoseconds(|| {
                for _ in 0..blocks {
                    let mut block = pool.take().expect("ready");
                    if written {
                        write(&mut block);
                    }
                    taken.push(block);
                }
            });
            assert_eq!(pool.stats().missed, before.missed, "the pool was not warm");
            time
        };
        let take_raw = |_: &mut [Page]| {
            warm(pool);
            let mut taken = Vec::with_capacity(blocks);
            let time = nanoseconds(|| {
                for _ in 0..blocks {
                    taken.push(pool.take_raw().expect("ready"));
                }
            });
            for block in taken {
                // SAFETY: the block was just taken and is unused.
                unsafe { pool.release(block) }
            }
            time
        };
        let release = |_: &mut [Page]| {
            warm(pool);
            let taken: Vec<_> = (0..blocks).map(|_| pool.take().expect("ready")).collect();
            nanoseconds(|| drop(taken))
        };
        let (hot, auto, cold) = (clear(Intent::Hot), clear(Intent::Auto), clear(Intent::Cold));
        let samples = Race::default()
            .with("take", |a| take(a, false))
            .with("take, written", |a| take(a, true))
            .with("take_raw", take_raw)
            .with("release", release)
            .with("Hot", |a| hot(a, false))
            .with("Hot, written", |a| hot(a, true))
            .with("Auto", |a| auto(a, false))
            .with("Auto, written", |a| auto(a, true))
            .with("Cold", |a| cold(a, false))
            .with("Cold, written", |a| cold(a, true))
            .with("in cache", |arena| {
                let block = &mut arena[..npages];
                nanoseconds(|| {
                    (0..blocks).for_each(|_| clear_pages_for(black_box(block), Intent::Hot))
                })
            })
            .with("mmap", |_| map(blocks, npages, false))
            .with("mmap, written", |_| map(blocks, npages, true))
            .run(ROUNDS, arena);

        println!("a block of {size}: nanoseconds; in brackets, times that of taking");
        let mut table = ruled();
        table.set_header(["", "to have it", "and write every line"]);
        let figure = |name: &str, rival: &str| {
            let each = samples.median(name) / blocks as f64;
            format!("{each:.0} ({:.1})", samples.ratio(rival, name))
        };
        for name in ["take", "Hot", "Auto", "Cold", "mmap"] {
            let (label, written) = (name.to_string(), format!("{name}, written"));
            table.add_row([label, figure(name, "take"), figure(&written, "take, written")]);
        }
        for name in ["take_raw", "release", "in cache"] {
            table.add_row([name.to_owned(), figure(name, "take"), String::new()]);
        }
        println!("{table}");
        let best = samples.best(["Hot", "Auto", "Cold"].into_iter());
        let what = format!("{size}: taking it to clearing it, {best}");
        promises.at_least(&what, samples.ratio("take", best), 4.0);
        let what = format!("{size}: taking it to mapping and touching it");
        promises.at_least(&what, samples.ratio("take", "mmap"), 4.0);
    }

    fn clear_one(page: &mut Page, intent: Intent) {
        match intent {
            Intent::Auto => clear_page(page),
            _ => clear_pages_for(std::slice::from_mut(page), intent),
        }
    }

    /// Waits until all blocks are ready and the pool's thread sleeps.
    fn warm(pool: &ZeroPool) {
        while pool.stats().ready < READY >> pool.order().get() {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(1));
    }

    /// Maps each block freshly, on pages of the system's size.
    fn map(blocks: usize, npages: usize, written: bool) -> f64 {
        let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        let len = npages * PAGE_SIZE;
        let mut mapped = Vec::with_capacity(blocks);
        let time = nanoseconds(|| {
            for _ in 0..blocks {
                // SAFETY: a new anonymous mapping, which only this function uses.
                let block = unsafe {
                    let start = mmap_anonymous(null_mut(), len, access, flags).expect("memory");
                    mapped.push(start);
                    std::slice::from_raw_parts_mut(start.cast::<Page>(), npages)
                };
                match written {
                    true => write(block),
                    false => {
                        block.iter_mut().for_each(|page| black_box(page).as_bytes_mut()[0] = 1)
                    }
                }
            }
        });
        for start in mapped {
            // SAFETY: mapped above and no longer used.
            unsafe { munmap(start, len) }.expect("mapped");
        }
        time
    }
}

fn main() {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    linux::main();
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    println!("no system whose first touch is known to this benchmark");
}
