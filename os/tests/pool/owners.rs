//! Blocks and pools that threads share, drop, and own when they panic or end.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use clearpage::{Order, Page};
use clearpage_os::pool::{Block, BlockSource, ZeroBlock, ZeroPool};
use clearpage_testkit::is_all;

use crate::source::{Counting, GARBAGE};
use crate::{AtEnd, builder, take, wait_until};

#[test]
fn threads_take_zeroed_blocks_and_none_is_lost() {
    let rounds = if cfg!(target_arch = "x86_64") { 20_000 } else { 1_500 };
    let source = Counting::new(usize::MAX);
    for (min, max) in [(0, 3), (4, 32), (256, 256)] {
        let pool = builder(max).min(min).source(source.clone()).build().unwrap();
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let users: Vec<_> = (1..=4_u32)
                .map(|seed| {
                    let pool = &pool;
                    scope.spawn(move || {
                        let mut random = seed.wrapping_mul(0x9e37_79b9);
                        let mut taken: Vec<ZeroBlock> = Vec::new();
                        for _ in 0..rounds {
                            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                            let at = (random >> 8) as usize;
                            if random >> 30 > 1 && !taken.is_empty() {
                                let block = taken.swap_remove(at % taken.len());
                                assert!(is_all(seed as u8, block.bytes()));
                            } else if taken.len() < 30 {
                                let mut block = take(pool);
                                block.bytes_mut().fill(seed as u8);
                                taken.push(block);
                            }
                        }
                    })
                })
                .collect();
            scope.spawn(|| {
                while !done.load(SeqCst) {
                    pool.trim(max / 2);
                    thread::sleep(Duration::from_millis(2));
                }
            });
            let _end = AtEnd(&done);
            users.into_iter().for_each(|user| user.join().unwrap());
        });
        wait_until("a ready block is taken", || {
            drop(take(&pool));
            pool.stats().taken > 0
        });
        drop(pool);
        assert_eq!(source.live(), 0);
    }
}

#[test]
fn blocks_outlive_the_pool() {
    let source = Counting::new(usize::MAX);
    for default in [false, true] {
        let pool = builder(8).order(Order::new(2).unwrap());
        let pool = if default { pool } else { pool.source(source.clone()) };
        let pool = pool.build().unwrap();
        let mut taken: Vec<_> = (0..20).map(|_| take(&pool)).collect();
        drop(pool);
        assert_eq!(source.live(), if default { 0 } else { 20 });
        for block in &mut taken {
            assert!(is_all(GARBAGE, block.bytes()));
            block.bytes_mut().fill(1);
        }
        thread::spawn(|| drop(taken)).join().unwrap();
        assert_eq!(source.live(), 0);
    }
}

#[test]
fn the_last_of_several_owners_releases_all() {
    let source = Counting::new(usize::MAX);
    let pool = Arc::new(builder(8).source(source.clone()).build().unwrap());
    let owners: Vec<_> = (0..4)
        .map(|owner| {
            let pool = Arc::clone(&pool);
            thread::spawn(move || {
                let mut last = take(&pool);
                for _ in 0..100 * (owner + 1) {
                    last = take(&pool);
                }
                drop(pool);
                drop(last);
            })
        })
        .collect();
    drop(pool);
    owners.into_iter().for_each(|owner| owner.join().unwrap());
    assert_eq!(source.live(), 0);
}

/// Its pressure function owns the pool.
#[test]
fn the_thread_of_a_pool_may_drop_it() {
    let source = Counting::new(usize::MAX);
    let owner = Arc::new(Mutex::new(None::<ZeroPool>));
    let owned = Arc::clone(&owner);
    let pool = ZeroPool::builder(8).idle(false).source(source.clone());
    let pool = pool.pressure(move || owned.lock().unwrap().take().is_none()).build().unwrap();
    let block = take(&pool);
    *owner.lock().unwrap() = Some(pool);
    drop(block);
    wait_until("the pool and its source are dropped", || {
        source.live() == 0 && Arc::strong_count(&source) == 1
    });
}

#[test]
fn a_panic_frees_the_blocks_of_its_thread() {
    let source = Counting::new(usize::MAX);
    let pool = builder(8).source(source.clone()).build().unwrap();
    for _ in 0..20 {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _blocks = [take(&pool), take(&pool)];
            std::panic::resume_unwind(Box::new("while owning two blocks"));
        }));
        assert!(panicked.is_err());
    }
    assert!(source.live() <= 9);
    drop(take(&pool));
    drop(pool);
    assert_eq!(source.live(), 0);
}

#[test]
fn blocks_in_a_thread_local_are_freed_when_the_thread_ends() {
    thread_local!(static KEPT: RefCell<Vec<ZeroBlock>> = const { RefCell::new(Vec::new()) });
    let source = Counting::new(usize::MAX);
    let pool = Arc::new(builder(8).source(source.clone()).build().unwrap());
    for _ in 0..10 {
        let pool = Arc::clone(&pool);
        thread::spawn(move || KEPT.with_borrow_mut(|kept| kept.extend([take(&pool), take(&pool)])))
            .join()
            .unwrap();
        assert!(source.live() <= 9);
    }
    drop(pool);
    assert_eq!(source.live(), 0);
}

/// Panics on the background thread.
struct Panics(Arc<Counting>, Arc<AtomicBool>);

// SAFETY: the inner source keeps these promises.
unsafe impl BlockSource for Panics {
    fn allocate(&self, order: Order) -> Option<Block> {
        if thread::current().name() == Some("clearpage-pool") {
            self.1.store(true, SeqCst);
            std::panic::resume_unwind(Box::new("on the background thread"));
        }
        self.0.allocate(order)
    }

    unsafe fn release(&self, block: NonNull<Page>, order: Order) {
        // SAFETY: the caller's promise.
        unsafe { self.0.release(block, order) }
    }
}

#[test]
fn a_pool_without_its_thread_clears_on_the_spot() {
    let source = Counting::new(usize::MAX);
    let panicked = Arc::new(AtomicBool::new(false));
    let panics = Panics(source.clone(), panicked.clone());
    let pool = builder(8).min(8).source(panics).build().unwrap();
    wait_until("the thread panics", || panicked.load(SeqCst));
    for _ in 0..20 {
        drop([take(&pool), take(&pool), take(&pool)]);
    }
    let stats = pool.stats();
    assert_eq!((stats.taken, stats.missed, stats.cleared), (0, 60, 0));
    assert_eq!((pool.trim(0), source.live()), (3, 0));
    let blocks = [take(&pool), take(&pool)];
    drop(take(&pool));
    drop(pool);
    assert_eq!(source.live(), 2);
    drop(blocks);
    assert_eq!(source.live(), 0);
}
