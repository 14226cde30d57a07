//! The pool: whatever is taken is zero, whoever takes it and whatever came before; nothing is lost,
//! nothing is held beyond what is allowed, and nothing is left behind.

mod blocks;
mod owners;
#[cfg(all(target_os = "linux", not(miri)))]
mod process;
mod supply;

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use clearpage_os::pool::{ZeroBlock, ZeroPool, ZeroPoolBuilder};

use crate::supply::GARBAGE;

/// Pools of these tests have no other source of pressure: the machine's own may come and go. Nor do
/// they wait for a machine with nothing else to do.
fn builder(max: usize) -> ZeroPoolBuilder {
    ZeroPool::builder(max).pressure(|| false).idle(false)
}

/// Waits for what the background thread does when it gets to it, on a machine as slow as can be.
fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(60), "never: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Sets a flag when it goes, by a panic too: those who wait for it would wait for ever.
struct AtEnd<'a>(&'a AtomicBool);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
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
