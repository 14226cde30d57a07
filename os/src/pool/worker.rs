//! Runs the background thread of a pool.

use std::ptr::NonNull;

use super::demand::PERIOD;
use super::shared::{Shared, Worker};
use super::source::Block;
use crate::prefault::HugePages;
use crate::sync::atomic::Ordering::SeqCst;
use crate::sync::{Instant, thread};
use clearpage::{Intent, Order, PAGE_SIZE, Page, raw};

/// Returns whether memory is short.
pub(super) type Pressure = Box<dyn FnMut() -> bool + Send>;

/// Maximum number of blocks that are cleared together: enough to pay for streaming stores and their
/// fence, but few, because they are unavailable while this thread is off the CPU.
const TOGETHER: usize = 16;

/// Sets the policy of the calling thread to SCHED_IDLE (sched(7)) on Linux. If the system refuses,
/// or is another one, the policy is unchanged.
///
/// This calls the C library because rustix lacks the call, and the function for threads because
/// musl's sched_setscheduler always fails.
pub(super) fn set_idle_priority() {
    #[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
    {
        use std::ffi::c_int;

        unsafe extern "C" {
            // In glibc, musl and bionic a pthread_t is a pointer or an integer of that size.
            safe fn pthread_self() -> usize;
            fn pthread_setschedparam(thread: usize, policy: c_int, param: *const Param) -> c_int;
        }
        const SCHED_IDLE: c_int = 5;
        /// As large as musl's, which reads only the priority; glibc's and bionic's are smaller.
        #[repr(C)]
        struct Param {
            priority: c_int,
            reserved: [usize; 8],
        }
        let param = Param { priority: 0, reserved: [0; 8] };
        // SAFETY: the thread is the calling one, and `param` is only read and outlives the call.
        unsafe { pthread_setschedparam(pthread_self(), SCHED_IDLE, &raw const param) };
    }
}

/// Keeps blocks ready until the pool is stopped.
pub(super) fn run(shared: &Shared, mut short: Pressure) {
    let _ = shared.thread.set(thread::current());
    let mut period = Instant::now();
    let mut tight = false;
    let set_worker = |worker| shared.worker.store(worker as u8, SeqCst);
    while !shared.stop.load(SeqCst) {
        let periods = (period.elapsed().as_nanos() / PERIOD.as_nanos()) as usize;
        if periods > 0 {
            period = Instant::now();
            tight = short();
            shared.limit.0.store(if tight { 0 } else { shared.bounds.max }, SeqCst);
            shared.retarget(|target| match tight {
                true => 0,
                false => shared.bounds.settled(target, shared.taken_in_period(), periods),
            });
            shared.begin_period();
        } else if !tight {
            shared.retarget(|target| shared.bounds.raised(target, shared.taken_in_period()));
        }
        let filled = fill(shared);
        if periods > 0 {
            shared.release_down_to(shared.target());
        }
        if tight || !filled {
            // Nothing can be done before the period ends, even if callers need blocks.
            thread::park_timeout(PERIOD.saturating_sub(period.elapsed()));
        } else if is_quiet(shared) {
            set_worker(Worker::Sleeps);
            if is_quiet(shared) {
                thread::park();
            }
        } else {
            set_worker(Worker::Naps);
            if !shared.runs_low() {
                thread::park_timeout(PERIOD.saturating_sub(period.elapsed()));
            }
        }
        set_worker(Worker::Busy);
    }
    // If a callback dropped the pool on this thread, blocks may have come after that `close`.
    shared.close();
}

/// Returns whether there is nothing to do until a block is taken or freed.
fn is_quiet(shared: &Shared) -> bool {
    let target = shared.target();
    shared.dirty.len() == 0
        && shared.taken_in_period() == 0
        && target <= shared.bounds.min
        && shared.held() <= target
        && !shared.runs_low()
}

/// Makes blocks ready until the target is reached; returns `false` if no more are available.
fn fill(shared: &Shared) -> bool {
    loop {
        let short = shared.target().saturating_sub(shared.ready.len());
        if short == 0 || shared.stop.load(SeqCst) {
            return true;
        }
        if !recycle(shared, short) && !fetch(shared) {
            return false;
        }
    }
}

/// Clears some of the freed blocks; returns `false` if there are none.
fn recycle(shared: &Shared, short: usize) -> bool {
    let mut list = [NonNull::<Page>::dangling(); TOGETHER];
    let most = (TOGETHER * PAGE_SIZE / shared.order.bytes()).max(1);
    let mut blocks = 0;
    while blocks < most.min(short) {
        let Some(block) = shared.dirty.pop() else { break };
        list[blocks] = block;
        blocks += 1;
    }
    let list = &list[..blocks];
    // SAFETY: a block popped from `dirty` has no other owner, and is zeroed before `make_ready`.
    unsafe {
        if shared.order == Order::ZERO {
            raw::clear_scattered(list, Intent::Cold);
        } else {
            for &block in list {
                raw::clear_pages_for(block, shared.order.npages(), Intent::Cold);
            }
        }
        for &block in list {
            shared.make_ready(block);
        }
    }
    blocks > 0
}

/// Makes a block from the source ready; returns `false` if none is available or there is no room.
fn fetch(shared: &Shared) -> bool {
    if !shared.admit() {
        return false;
    }
    let npages = shared.order.npages();
    let Some(block) = shared.allocate() else {
        shared.leave();
        return false;
    };
    // SAFETY: a block from the source has no other owner, and is zero when it is made ready.
    unsafe {
        let block = match block {
            Block::Zero(block) => {
                // Faults the pages in now, so that the caller that takes the block does not.
                if crate::raw::prefault(block, npages, HugePages::AsMapped).is_err() {
                    shared.leave();
                    shared.release(block);
                    return false;
                }
                block
            }
            Block::Dirty(block) => {
                raw::clear_pages_for(block, npages, Intent::Cold);
                block
            }
        };
        shared.make_ready(block)
    }
}
