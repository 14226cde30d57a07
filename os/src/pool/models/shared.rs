//! Models how the users of a pool interact, without its thread.

use super::super::block::ZeroBlock;
use super::super::demand::Bounds;
use super::super::shared::Shared;
use super::{Counting, assert_zero, source};
use crate::sync::{Arc, check, thread};
use clearpage::Order;

fn shared(max: usize, source: &std::sync::Arc<Counting>) -> Arc<Shared> {
    let bounds = Bounds { min: 0, max };
    Arc::new(Shared::new(Order::ZERO, bounds, Box::new(source.clone())).unwrap())
}

fn take(shared: &Arc<Shared>) -> ZeroBlock {
    let block = shared.take().unwrap();
    assert_zero(block);
    // SAFETY: the block was just taken from `shared`, so it has no other owner.
    let mut block = unsafe { ZeroBlock::new(block, shared) };
    block.bytes_mut().fill(0xa5);
    block
}

#[test]
fn a_block_freed_while_the_pool_closes_is_released_once() {
    check(3, || {
        let source = source();
        let shared = shared(2, &source);
        let blocks = [take(&shared), take(&shared)];
        let users = blocks.map(|block| thread::spawn(move || drop(block)));
        shared.close();
        drop(shared);
        let _ = users.map(|user| user.join().unwrap());
        assert_eq!(source.live(), 0);
    });
}

#[test]
fn at_most_max_blocks_are_held() {
    check(3, || {
        let source = source();
        let shared = shared(1, &source);
        let blocks = [take(&shared), take(&shared)];
        let users = blocks.map(|block| thread::spawn(move || drop(block)));
        assert!(shared.held() <= 1);
        let _ = users.map(|user| user.join().unwrap());
        assert_eq!((shared.held(), source.live()), (1, 1));
        drop(shared);
        assert_eq!(source.live(), 0);
    });
}

#[test]
fn two_threads_never_take_the_same_block() {
    check(3, || {
        let source = source();
        let shared = shared(2, &source);
        drop(take(&shared));
        let other = thread::spawn({
            let shared = Arc::clone(&shared);
            move || take(&shared)
        });
        let mine = take(&shared);
        let other = other.join().unwrap();
        assert_ne!(mine.as_ptr(), other.as_ptr());
        assert_eq!(source.live(), 2);
        drop((mine, other, shared));
        assert_eq!(source.live(), 0);
    });
}
