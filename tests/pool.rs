//! The pool: whatever is taken is zero, whoever takes it and whatever came before; nothing is lost,
//! nothing is held beyond what is allowed, and nothing is left behind.
#![cfg(feature = "std")]

mod common;
#[path = "common/supply.rs"]
mod supply;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use clearpage::pool::{Builder, Supplied, Supply, ZeroBlock, ZeroPool};
use clearpage::{Order, PAGE_SIZE, Page};
use supply::{Counting, GARBAGE};

/// Pools of this file have no other source of pressure: the machine's own may come and go.
fn builder(max: usize) -> Builder {
    ZeroPool::builder(max).pressure(|| false)
}

/// Waits for what the background thread does when it gets to it, on a machine as slow as can be.
fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(60), "never: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Panics unless the block is zero; then fills it with garbage.
fn use_up(block: &mut ZeroBlock) {
    let bad = block.bytes().iter().position(|&byte| byte != 0);
    assert_eq!(bad, None, "{block:?} is not zero");
    block.bytes_mut().fill(GARBAGE);
}

fn take(pool: &ZeroPool) -> ZeroBlock {
    let mut block = pool.take().expect("a block");
    use_up(&mut block);
    block
}

#[test]
fn blocks_are_zero_whatever_they_were() {
    for order in [0, 1, 4, 9].map(|order| Order::new(order).unwrap()) {
        let supply = Counting::new(usize::MAX);
        let pools = [builder(8), builder(8).supply(supply.clone())];
        for pool in pools.map(|pool| pool.order(order).build().unwrap()) {
            assert_eq!(pool.order(), order);
            for blocks in [1, 5, 20, 3, 8] {
                let taken: Vec<_> = (0..blocks).map(|_| take(&pool)).collect();
                assert!(taken.iter().all(|block| block.len() == order.npages()));
                assert!(taken.iter().all(|block| block.as_ptr().is_aligned()));
            }
            wait_until("blocks that came back are cleared", || pool.statistics().ready > 0);
            drop(take(&pool));
        }
        assert_eq!(supply.live(), 0);
    }
}

#[test]
fn what_is_ready_is_taken() {
    let supply = Counting::new(usize::MAX);
    let pool = builder(64).min(32).supply(supply.clone()).build().unwrap();
    wait_until("as many as are wanted are ready", || pool.statistics().ready == 32);
    let taken: Vec<_> = (0..10).map(|_| take(&pool)).collect();
    let statistics = pool.statistics();
    assert_eq!((statistics.taken, statistics.missed), (10, 0));
    assert!(statistics.cleared >= 32, "{statistics:?}");
    drop(taken);
    drop(pool);
    assert_eq!(supply.live(), 0);
}

#[test]
fn an_allocator_takes_pointers() {
    let supply = Counting::new(usize::MAX);
    let pool = builder(4).supply(supply.clone()).build().unwrap();
    for _ in 0..3 {
        let blocks: Vec<NonNull<Page>> = (0..6).map(|_| pool.take_raw().unwrap()).collect();
        for block in blocks {
            // SAFETY: the block is this test's until it is given back.
            unsafe {
                assert!(block.as_ref().as_bytes().iter().all(|&byte| byte == 0));
                block.write_bytes(GARBAGE, 1);
                pool.give_back(block);
            }
        }
    }
    drop(pool);
    assert_eq!(supply.live(), 0);
}

/// A block that nobody could supply is none; one that came back is one again.
#[test]
fn an_exhausted_supply_is_told_and_no_end() {
    let supply = Counting::new(10);
    let pool = builder(4).min(0).supply(supply.clone()).build().unwrap();
    for _ in 0..3 {
        let mut taken = Vec::new();
        // The thread may have some in hand, or be about to give one back.
        wait_until("all ten", || {
            taken.extend(pool.take());
            taken.len() == 10
        });
        taken.iter_mut().for_each(use_up);
        assert!(pool.take().is_none());
        taken.pop();
        wait_until("the one that came back", || pool.take().as_mut().map(use_up).is_some());
    }
    supply.set_limit(0);
    drop(pool);
    assert_eq!(supply.live(), 0);
}

#[test]
fn no_more_is_held_than_allowed() {
    const MAX: usize = 16;
    let supply = Counting::new(usize::MAX);
    let pool = builder(MAX).supply(supply.clone()).build().unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let users: Vec<_> = (0..3)
            .map(|user| {
                let pool = &pool;
                scope.spawn(move || {
                    for round in 0..200 {
                        drop((0..(round * 7 + user) % 40).map(|_| take(pool)).collect::<Vec<_>>());
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !done.load(SeqCst) {
                let statistics = pool.statistics();
                assert!(statistics.held <= MAX, "{statistics:?}");
                assert!(statistics.target <= MAX, "{statistics:?}");
            }
        });
        users.into_iter().for_each(|user| user.join().unwrap());
        done.store(true, SeqCst);
    });
    // One may be on its way to the supply, by the background thread.
    assert!(supply.live() <= MAX + 1);
    let statistics = pool.statistics();
    let (given_back, held) = (statistics.given_back, statistics.held);
    assert!(given_back > 0 && held > 0, "{statistics:?}");
    drop(pool);
    assert_eq!(supply.live(), 0);
}

#[test]
fn a_pool_that_may_hold_nothing_serves_too() {
    let supply = Counting::new(usize::MAX);
    let pool = builder(0).supply(supply.clone()).build().unwrap();
    drop([take(&pool), take(&pool)]);
    assert_eq!(supply.live(), 0);
    assert_eq!(pool.statistics().missed, 2);
}

#[test]
fn trimming_gives_back_and_stays() {
    let supply = Counting::new(usize::MAX);
    let pool = builder(64).min(32).supply(supply.clone()).build().unwrap();
    for keep in [8, 0] {
        wait_until("it is full", || pool.statistics().ready >= 32);
        let released = pool.trim(keep);
        assert!(released >= 32 - 16 - keep, "{released} of 32, some of them in hand");
        wait_until("the rest is given back", || supply.live() == keep);
        let allocated = supply.allocated();
        // Time for it to do what it should not.
        thread::sleep(Duration::from_millis(300));
        assert_eq!((supply.live(), supply.allocated()), (keep, allocated));
        assert_eq!(pool.statistics().target, keep);
        // Demand brings it back.
        drop((0..keep + 1).map(|_| take(&pool)).collect::<Vec<_>>());
    }
    wait_until("it is full again", || pool.statistics().ready >= 32);
}

#[test]
fn pressure_takes_all_and_lets_it_come_back() {
    let supply = Counting::new(usize::MAX);
    let tight = Arc::new(AtomicBool::new(false));
    let asked = tight.clone();
    let pool = ZeroPool::builder(64).min(32).supply(supply.clone());
    let pool = pool.pressure(move || asked.load(SeqCst)).build().unwrap();
    wait_until("it is full", || pool.statistics().ready == 32);
    tight.store(true, SeqCst);
    // It asks while it is used.
    let mut taken: Vec<_> = (0..20).map(|_| take(&pool)).collect();
    wait_until("only what is taken is left", || supply.live() == taken.len());
    assert_eq!(pool.statistics().held, 0);
    taken.push(take(&pool));
    taken.drain(..10);
    assert_eq!(supply.live(), taken.len(), "what comes back goes back");
    assert!(taken.iter().all(|block| block.bytes().iter().all(|&byte| byte == GARBAGE)));
    tight.store(false, SeqCst);
    wait_until("with demand it fills again", || {
        drop(take(&pool));
        pool.statistics().ready >= 16
    });
    drop((pool, taken));
    assert_eq!(supply.live(), 0);
}

#[test]
fn as_many_are_ready_as_were_taken_lately() {
    let supply = Counting::new(usize::MAX);
    let pool = builder(64).min(2).supply(supply.clone()).build().unwrap();
    wait_until("the least", || pool.statistics().ready == 2);
    wait_until("demand raises the target", || {
        drop((0..40).map(|_| take(&pool)).collect::<Vec<_>>());
        pool.statistics().target >= 40
    });
    wait_until("without demand it decays", || pool.statistics().target == 2);
    wait_until("and the memory goes", || supply.live() == 2);
    // One block is still ready at once.
    let before = pool.statistics().taken;
    drop(take(&pool));
    assert_eq!(pool.statistics().taken, before + 1);
}

/// Threads take, use and give back as they like, while another trims.
#[test]
fn threads_find_zeroes_and_lose_nothing() {
    let rounds = if cfg!(target_arch = "x86_64") { 20_000 } else { 1_500 };
    let supply = Counting::new(usize::MAX);
    for (min, max) in [(0, 3), (4, 32), (256, 256)] {
        // Of the users' priority, or it would get no CPU before they are done.
        let pool = builder(max).min(min).idle(false).supply(supply.clone()).build().unwrap();
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
                                assert!(block.bytes().iter().all(|&byte| byte == seed as u8));
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
            users.into_iter().for_each(|user| user.join().unwrap());
            done.store(true, SeqCst);
        });
        wait_until("the thread took part", || {
            drop(take(&pool));
            pool.statistics().taken > 0
        });
        drop(pool);
        assert_eq!(supply.live(), 0);
    }
}

#[test]
fn blocks_outlive_the_pool() {
    let supply = Counting::new(usize::MAX);
    for default in [false, true] {
        let pool = builder(8).order(Order::new(2).unwrap());
        let pool = if default { pool } else { pool.supply(supply.clone()) };
        let pool = pool.build().unwrap();
        let mut taken: Vec<_> = (0..20).map(|_| take(&pool)).collect();
        drop(pool);
        assert_eq!(supply.live(), if default { 0 } else { 20 });
        for block in &mut taken {
            assert!(block.bytes().iter().all(|&byte| byte == GARBAGE));
            block.bytes_mut().fill(1);
        }
        thread::spawn(|| drop(taken)).join().unwrap();
        assert_eq!(supply.live(), 0);
    }
}

#[test]
fn the_last_of_several_owners_ends_it() {
    let supply = Counting::new(usize::MAX);
    let pool = Arc::new(builder(8).supply(supply.clone()).build().unwrap());
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
    assert_eq!(supply.live(), 0);
}

/// The background thread itself drops the pool, where the pressure's closure owns it.
#[test]
fn its_own_thread_may_end_it() {
    let supply = Counting::new(usize::MAX);
    let owner = Arc::new(Mutex::new(None::<ZeroPool>));
    let asked = Arc::clone(&owner);
    let pool = ZeroPool::builder(8).supply(supply.clone());
    let pool = pool.pressure(move || asked.lock().unwrap().take().is_none()).build().unwrap();
    let block = take(&pool);
    *owner.lock().unwrap() = Some(pool);
    drop(block);
    wait_until("it is gone", || supply.live() == 0 && Arc::strong_count(&supply) == 1);
}

#[test]
fn a_panic_with_a_block_in_hand_loses_nothing() {
    let supply = Counting::new(usize::MAX);
    let pool = builder(8).supply(supply.clone()).build().unwrap();
    for _ in 0..20 {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _blocks = [take(&pool), take(&pool)];
            std::panic::resume_unwind(Box::new("with two blocks in hand"));
        }));
        assert!(panicked.is_err());
    }
    assert!(supply.live() <= 9);
    drop(take(&pool));
    drop(pool);
    assert_eq!(supply.live(), 0);
}

#[test]
fn a_thread_may_end_with_blocks_in_hand() {
    thread_local!(static KEPT: RefCell<Vec<ZeroBlock>> = const { RefCell::new(Vec::new()) });
    let supply = Counting::new(usize::MAX);
    let pool = Arc::new(builder(8).supply(supply.clone()).build().unwrap());
    for _ in 0..10 {
        let pool = Arc::clone(&pool);
        thread::spawn(move || KEPT.with_borrow_mut(|kept| kept.extend([take(&pool), take(&pool)])))
            .join()
            .unwrap();
        assert!(supply.live() <= 9);
    }
    drop(pool);
    assert_eq!(supply.live(), 0);
}

/// A supply that panics on the background thread, and only there.
struct Panics(Arc<Counting>, Arc<AtomicBool>);

// SAFETY: that of the supply inside.
unsafe impl Supply for Panics {
    fn allocate(&self, order: Order) -> Option<Supplied> {
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
fn without_its_thread_a_pool_clears_on_the_spot() {
    let supply = Counting::new(usize::MAX);
    let panicked = Arc::new(AtomicBool::new(false));
    let panics = Panics(supply.clone(), panicked.clone());
    let pool = builder(8).min(8).supply(panics).build().unwrap();
    wait_until("it panics", || panicked.load(SeqCst));
    for _ in 0..20 {
        drop([take(&pool), take(&pool), take(&pool)]);
    }
    let statistics = pool.statistics();
    assert_eq!((statistics.taken, statistics.missed, statistics.cleared), (0, 60, 0));
    assert_eq!((pool.trim(0), supply.live()), (3, 0));
    drop((take(&pool), pool));
    assert_eq!(supply.live(), 0);
}

#[test]
fn what_cannot_be_is_refused() {
    use std::io::ErrorKind::{InvalidInput, OutOfMemory};
    let refused = |builder: Builder| builder.build().unwrap_err().kind();
    assert_eq!(refused(builder(8).min(9)), InvalidInput);
    assert_eq!(refused(builder(usize::MAX)), InvalidInput);
    assert_eq!(refused(builder(2).order(Order::MAX)), InvalidInput);
    // All addresses, and so more slots than there is memory for: to ask for so much is an error by
    // itself to AddressSanitizer.
    if usize::BITS == 64 && !cfg!(clearpage_asan) {
        assert_eq!(refused(builder(isize::MAX as usize / PAGE_SIZE)), OutOfMemory);
    }
}
