//! Models whole pools with their thread, which wakes for work and ends with the pool.

use super::super::ZeroPool;
use super::{Counting, assert_zero, fill, supply};
use crate::sync::check;

fn pool(min: usize, max: usize, supply: &std::sync::Arc<Counting>) -> ZeroPool {
    let builder = ZeroPool::builder(max).min(min).idle(false).pressure(|| false);
    builder.supply(supply.clone()).build().unwrap()
}

#[test]
fn a_dropped_pool_ends_its_thread_and_releases_all() {
    check(3, || {
        let supply = supply();
        drop(pool(1, 1, &supply));
        assert_eq!(supply.live(), 0);
    });
}

/// When the last ready block is taken, the thread is still making it ready, or asleep.
#[test]
fn a_taken_block_is_replaced() {
    check(2, || {
        let supply = supply();
        let pool = pool(1, 1, &supply);
        supply.wait_until(|supply| supply.allocated() == 1);
        let block = pool.take_raw().unwrap();
        assert_zero(block);
        supply.wait_until(|supply| supply.allocated() == 2);
        // SAFETY: the block was taken from this pool, and is no longer used.
        unsafe { pool.give_back(block) };
        drop(pool);
        assert_eq!(supply.live(), 0);
    });
}

/// A pool with `min` 0 wakes to release a freed block.
#[test]
fn a_block_that_comes_back_is_released_in_the_end() {
    check(2, || {
        let supply = supply();
        let pool = pool(0, 1, &supply);
        let block = pool.take_raw().unwrap();
        assert_zero(block);
        fill(block);
        // SAFETY: the block was taken from this pool, and is no longer used.
        unsafe { pool.give_back(block) };
        supply.wait_until(|supply| supply.live() == 0);
    });
}
