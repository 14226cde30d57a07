//! Models whole pools with their thread, which wakes for work and ends with the pool.

use super::super::ZeroPool;
use super::{Counting, assert_zero, fill, source};
use crate::sync::check;

fn pool(min: usize, max: usize, source: &std::sync::Arc<Counting>) -> ZeroPool {
    let builder = ZeroPool::builder(max).min(min).idle(false).pressure(|| false);
    builder.source(source.clone()).build().unwrap()
}

#[test]
fn a_dropped_pool_ends_its_thread_and_releases_all_blocks() {
    check(3, || {
        let source = source();
        drop(pool(1, 1, &source));
        assert_eq!(source.live(), 0);
    });
}

/// When the last ready block is taken, the thread is still making it ready, or asleep.
#[test]
fn a_taken_block_is_replaced() {
    check(2, || {
        let source = source();
        let pool = pool(1, 1, &source);
        source.wait_until(|source| source.allocated() == 1);
        let block = pool.take_raw().unwrap();
        assert_zero(block);
        source.wait_until(|source| source.allocated() == 2);
        // SAFETY: the block was taken from this pool, and is no longer used.
        unsafe { pool.release(block) };
        drop(pool);
        assert_eq!(source.live(), 0);
    });
}

/// A pool with `min` 0 wakes to release a freed block.
#[test]
fn a_freed_block_is_released_in_the_end() {
    check(2, || {
        let source = source();
        let pool = pool(0, 1, &source);
        let block = pool.take_raw().unwrap();
        assert_zero(block);
        fill(block);
        // SAFETY: the block was taken from this pool, and is no longer used.
        unsafe { pool.release(block) };
        source.wait_until(|source| source.live() == 0);
    });
}
