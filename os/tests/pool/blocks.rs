//! What is in the blocks, and how many there are.

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use clearpage::{Order, PAGE_SIZE, Page};
use clearpage_os::pool::{ZeroPool, ZeroPoolBuilder};

use crate::supply::{Counting, GARBAGE};
use crate::{AtEnd, builder, take, use_up, wait_until};

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
        let _end = AtEnd(&done);
        users.into_iter().for_each(|user| user.join().unwrap());
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
        // However much was just asked for.
        drop((0..10).map(|_| take(&pool)).collect::<Vec<_>>());
        let released = pool.trim(keep);
        assert!(released >= 32 - 16 - keep, "{released} of 32, some of them in hand");
        wait_until("the rest is given back", || supply.live() == keep);
        // The thread may just be fetching one, which it found missing before.
        let most = supply.allocated() + 1;
        // Time for it to do what it should not.
        thread::sleep(Duration::from_millis(300));
        assert!(supply.allocated() <= most, "{} blocks more", supply.allocated() - most + 1);
        wait_until("that one too", || supply.live() == keep);
        assert_eq!(pool.statistics().target, keep);
        // Demand brings it back.
        drop((0..keep + 1).map(|_| take(&pool)).collect::<Vec<_>>());
    }
    wait_until("it is full again", || pool.statistics().ready >= 32);
}

/// Asleep, its thread is woken by a block that is missed and by one that comes back.
#[test]
fn its_thread_wakes_when_there_is_work() {
    // It may not sleep that soon, and then proves nothing.
    let asleep = || thread::sleep(Duration::from_millis(400));
    let pool = builder(8).min(0).supply(Counting::new(usize::MAX)).build().unwrap();
    asleep();
    let _missed = take(&pool);
    wait_until("one is cleared for the next", || pool.statistics().cleared > 0);
    let pool = builder(8).min(8).supply(Counting::new(usize::MAX)).build().unwrap();
    wait_until("it is full", || pool.statistics().ready == 8);
    asleep();
    drop([take(&pool), take(&pool)]);
    wait_until("those that came back are cleared", || pool.statistics().ready == 8);
}

#[test]
fn pressure_takes_all_and_lets_it_come_back() {
    let supply = Counting::new(usize::MAX);
    let tight = Arc::new(AtomicBool::new(false));
    let asked = tight.clone();
    let pool = ZeroPool::builder(64).min(32).idle(false).supply(supply.clone());
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
fn what_cannot_be_is_refused() {
    use std::io::ErrorKind::{InvalidInput, OutOfMemory};
    let refused = |builder: ZeroPoolBuilder| builder.build().unwrap_err().kind();
    assert_eq!(refused(builder(8).min(9)), InvalidInput);
    assert_eq!(refused(builder(usize::MAX)), InvalidInput);
    assert_eq!(refused(builder(2).order(Order::MAX)), InvalidInput);
    // All addresses, and so more slots than there is memory for: to ask for so much is an error by
    // itself to AddressSanitizer.
    if usize::BITS == 64 && !cfg!(clearpage_asan) {
        assert_eq!(refused(builder(isize::MAX as usize / PAGE_SIZE)), OutOfMemory);
    }
}
