//! Every block that a pool returns is zero; the pool holds at most `max` blocks, and releases them all.

mod blocks;
mod owners;
#[cfg(all(target_os = "linux", not(miri)))]
mod process;
mod source;

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use clearpage_os::pool::{ZeroBlock, ZeroPool, ZeroPoolBuilder};
use clearpage_testkit::is_all;

use crate::source::GARBAGE;

/// Returns a builder of pools that are independent of the machine's load: without pressure, and with a
/// thread of normal priority.
fn builder(max: usize) -> ZeroPoolBuilder {
    ZeroPool::builder(max).pressure(|| false).idle(false)
}

/// Waits until `done` returns `true`, which depends on the background thread.
fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(60), "never: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Sets a flag when it is dropped, also by a panic, so that threads that wait for the flag end.
struct AtEnd<'a>(&'a AtomicBool);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// Panics unless the block is zero, then fills it with garbage.
fn use_up(block: &mut ZeroBlock) {
    assert!(is_all(0, block.bytes()), "{block:?} is not zero");
    block.bytes_mut().fill(GARBAGE);
}

fn take(pool: &ZeroPool) -> ZeroBlock {
    let mut block = pool.take().expect("a block");
    use_up(&mut block);
    block
}
