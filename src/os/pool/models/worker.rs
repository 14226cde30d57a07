//! Whole pools, with their thread: it wakes when there is work, and ends when the pool does.

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

/// The thread is just making the last ready block, or asleep, when it is taken.
#[test]
fn a_taken_block_is_replaced() {
    check(2, || {
        let supply = supply();
        let pool = pool(1, 1, &supply);
        supply.wait_until(|supply| supply.allocated() == 1);
        let block = pool.take_raw().unwrap();
        assert_zero(block);
        supply.wait_until(|supply| supply.allocated() == 2);
        // SAFETY: it was taken there.
        unsafe { pool.give_back(block) };
        drop(pool);
        assert_eq!(supply.live(), 0);
    });
}

/// A pool that need not hold any block wakes to release one that came back.
#[test]
fn a_block_that_comes_back_is_released_in_the_end() {
    check(2, || {
        let supply = supply();
        let pool = pool(0, 1, &supply);
        let block = pool.take_raw().unwrap();
        assert_zero(block);
        fill(block);
        // SAFETY: it was taken there.
        unsafe { pool.give_back(block) };
        supply.wait_until(|supply| supply.live() == 0);
    });
}
