//! The contents of blocks, and how many a pool holds.

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use clearpage::{Order, PAGE_SIZE, Page};
use clearpage_os::pool::{ZeroPool, ZeroPoolBuilder};
use clearpage_testkit::is_all;

use crate::source::{Counting, GARBAGE};
use crate::{AtEnd, builder, take, use_up, wait_until};

#[test]
fn blocks_of_any_order_are_aligned_and_zero() {
    for order in [0, 1, 4, 9].map(|order| Order::new(order).unwrap()) {
        let source = Counting::new(usize::MAX);
        // The default source aligns blocks to their size.
        let pools = [(builder(8), order.bytes()), (builder(8).source(source.clone()), PAGE_SIZE)];
        for (pool, alignment) in pools {
            let pool = pool.order(order).build().unwrap();
            assert_eq!(pool.order(), order);
            for blocks in [1, 5, 20, 3, 8] {
                let taken: Vec<_> = (0..blocks).map(|_| take(&pool)).collect();
                assert!(taken.iter().all(|block| block.len() == order.npages()));
                assert!(taken.iter().all(|block| block.as_ptr().addr() % alignment == 0));
            }
            wait_until("freed blocks are cleared", || pool.stats().ready > 0);
            drop(take(&pool));
        }
        assert_eq!(source.live(), 0);
    }
}

#[test]
fn a_block_gives_access_to_all_of_its_bytes_and_pages() {
    let order = Order::new(2).unwrap();
    let mut block = take(&builder(1).order(order).build().unwrap());
    block.bytes_mut().fill(1);
    assert_eq!(block.bytes(), vec![1; order.bytes()]);
    block.iter_mut().for_each(|page| page.as_bytes_mut().fill(2));
    assert_eq!(block.bytes(), vec![2; order.bytes()]);
}

#[test]
fn ready_blocks_are_taken_first() {
    let source = Counting::new(usize::MAX);
    let pool = builder(64).min(32).source(source.clone()).build().unwrap();
    wait_until("`min` blocks are ready", || pool.stats().ready == 32);
    let taken: Vec<_> = (0..10).map(|_| take(&pool)).collect();
    let stats = pool.stats();
    assert_eq!((stats.taken, stats.missed), (10, 0));
    assert!(stats.cleared >= 32, "{stats:?}");
    drop(taken);
    drop(pool);
    assert_eq!(source.live(), 0);
}

#[test]
fn raw_blocks_are_zero_each_time() {
    let source = Counting::new(usize::MAX);
    let pool = builder(4).source(source.clone()).build().unwrap();
    for _ in 0..3 {
        let blocks: Vec<NonNull<Page>> = (0..6).map(|_| pool.take_raw().unwrap()).collect();
        for block in blocks {
            // SAFETY: the test owns the block until it releases it.
            unsafe {
                assert!(is_all(0, block.as_ref().as_bytes()));
                block.write_bytes(GARBAGE, 1);
                pool.release(block);
            }
        }
    }
    drop(pool);
    assert_eq!(source.live(), 0);
}

#[test]
fn an_exhausted_source_is_none_until_a_block_is_freed() {
    let source = Counting::new(10);
    let pool = builder(4).min(0).source(source.clone()).build().unwrap();
    for _ in 0..3 {
        let mut taken = Vec::new();
        // The thread may be clearing some, or about to release one.
        wait_until("all ten are taken", || {
            taken.extend(pool.take());
            taken.len() == 10
        });
        taken.iter_mut().for_each(use_up);
        assert!(pool.take().is_none());
        taken.pop();
        wait_until("the freed block is taken", || pool.take().as_mut().map(use_up).is_some());
    }
    source.set_limit(0);
    drop(pool);
    assert_eq!(source.live(), 0);
}

#[test]
fn at_most_max_blocks_are_held() {
    const MAX: usize = 16;
    let source = Counting::new(usize::MAX);
    let pool = builder(MAX).source(source.clone()).build().unwrap();
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
                let stats = pool.stats();
                assert!(stats.held <= MAX, "{stats:?}");
                assert!(stats.target <= MAX, "{stats:?}");
            }
        });
        let _end = AtEnd(&done);
        users.into_iter().for_each(|user| user.join().unwrap());
    });
    // The background thread may be releasing one.
    assert!(source.live() <= MAX + 1);
    let stats = pool.stats();
    assert!(stats.released > 0 && stats.held > 0, "{stats:?}");
    drop(pool);
    assert_eq!(source.live(), 0);
}

#[test]
fn a_pool_of_max_0_clears_on_the_spot() {
    let source = Counting::new(usize::MAX);
    let pool = builder(0).source(source.clone()).build().unwrap();
    drop([take(&pool), take(&pool)]);
    assert_eq!(source.live(), 0);
    assert_eq!(pool.stats().missed, 2);
}

#[test]
fn a_trimmed_pool_stays_small_until_a_block_is_taken() {
    let source = Counting::new(usize::MAX);
    let pool = builder(64).min(32).source(source.clone()).build().unwrap();
    for keep in [8, 0] {
        wait_until("the pool is full", || pool.stats().ready >= 32);
        // Regardless of recent demand.
        drop((0..10).map(|_| take(&pool)).collect::<Vec<_>>());
        let released = pool.trim(keep);
        assert!(released >= 32 - 16 - keep, "{released} of 32, some of them being cleared");
        wait_until("the rest is released", || source.live() == keep);
        // The thread may be fetching one that it found missing before.
        let most = source.allocated() + 1;
        // Time for the thread to fetch more.
        thread::sleep(Duration::from_millis(300));
        assert!(source.allocated() <= most, "{} more blocks", source.allocated() - most + 1);
        wait_until("that one is released too", || source.live() == keep);
        assert_eq!(pool.stats().target, keep);
        // Demand refills the pool.
        drop((0..keep + 1).map(|_| take(&pool)).collect::<Vec<_>>());
    }
    wait_until("the pool is full again", || pool.stats().ready >= 32);
}

#[test]
fn a_missed_and_a_freed_block_wake_the_thread() {
    // If the thread does not sleep yet, the test proves nothing.
    let asleep = || thread::sleep(Duration::from_millis(400));
    let pool = builder(8).min(0).source(Counting::new(usize::MAX)).build().unwrap();
    asleep();
    let _missed = take(&pool);
    wait_until("a block is cleared", || pool.stats().cleared > 0);
    let pool = builder(8).min(8).source(Counting::new(usize::MAX)).build().unwrap();
    wait_until("the pool is full", || pool.stats().ready == 8);
    asleep();
    drop([take(&pool), take(&pool)]);
    wait_until("the freed blocks are cleared", || pool.stats().ready == 8);
}

#[test]
fn under_pressure_all_blocks_are_released_and_later_refilled() {
    let source = Counting::new(usize::MAX);
    let tight = Arc::new(AtomicBool::new(false));
    let pressure = tight.clone();
    let pool = ZeroPool::builder(64).min(32).idle(false).source(source.clone());
    let pool = pool.pressure(move || pressure.load(SeqCst)).build().unwrap();
    wait_until("the pool is full", || pool.stats().ready == 32);
    tight.store(true, SeqCst);
    // The pool checks while it is used.
    let mut taken: Vec<_> = (0..20).map(|_| take(&pool)).collect();
    wait_until("only the taken blocks are left", || source.live() == taken.len());
    assert_eq!(pool.stats().held, 0);
    taken.push(take(&pool));
    taken.drain(..10);
    assert_eq!(source.live(), taken.len(), "freed blocks are released");
    assert!(taken.iter().all(|block| is_all(GARBAGE, block.bytes())));
    tight.store(false, SeqCst);
    wait_until("demand refills the pool", || {
        drop(take(&pool));
        pool.stats().ready >= 16
    });
    drop((pool, taken));
    assert_eq!(source.live(), 0);
}

#[test]
fn the_target_follows_demand() {
    let source = Counting::new(usize::MAX);
    let pool = builder(64).min(2).source(source.clone()).build().unwrap();
    wait_until("`min` blocks are ready", || pool.stats().ready == 2);
    wait_until("demand raises the target", || {
        drop((0..40).map(|_| take(&pool)).collect::<Vec<_>>());
        pool.stats().target >= 40
    });
    wait_until("without demand the target decays", || pool.stats().target == 2);
    wait_until("the other blocks are released", || source.live() == 2);
    // The minimum is still ready.
    let before = pool.stats().taken;
    drop(take(&pool));
    assert_eq!(pool.stats().taken, before + 1);
}

#[test]
fn impossible_sizes_are_errors() {
    use std::io::ErrorKind::{InvalidInput, OutOfMemory};
    let refused = |builder: ZeroPoolBuilder| builder.build().unwrap_err().kind();
    assert_eq!(refused(builder(8).min(9)), InvalidInput);
    assert_eq!(refused(builder(usize::MAX)), InvalidInput);
    assert_eq!(refused(builder(2).order(Order::MAX)), InvalidInput);
    // The lists would fill the address space. AddressSanitizer ends the process for that request.
    if usize::BITS == 64 && !clearpage::checks::ADDRESS_SANITIZER {
        assert_eq!(refused(builder(isize::MAX as usize / PAGE_SIZE)), OutOfMemory);
    }
}
