//! Pages cleared ahead of time, by a background thread: whoever takes one does not wait for it.
//!
//! Taking a block from a [`ZeroPool`] is taking its address out of a queue, some ten nanoseconds.
//! No lock is involved, so a thread that the system has put aside, on whatever priority, holds up
//! nobody.
//!
//! - **How many are ready** follows what was taken lately: as many as in a tenth of a second, at
//!   once when it is more, half as many after half a second when it is less; between the `min` and
//!   the `max` of the [`Builder`]. When fewer than half of them are left the thread makes more.
//! - **It is bounded**: the pool holds at most `max` blocks, zero or not yet. What comes back beyond
//!   that goes to the supply at once.
//! - **When none is ready** the block is cleared on the spot, hot, or comes fresh from the system,
//!   which clears it at the first touch. Under full load of all CPUs that is the rule: the thread
//!   runs at idle priority (SCHED_IDLE) on Linux, on what others leave, unless told otherwise. Where
//!   the system refuses that, it runs as other threads do.
//! - **When memory is short** the pool gives back all that it holds, and holds nothing until there
//!   is memory again. On Linux it asks the kernel ten times a second, while it is used or holds
//!   more than `min`: memory is short when threads of this control group, or else of the system,
//!   stood still for want of it more than a tenth of the time (PSI; a kernel may be without, and
//!   then nothing is noticed). [`Builder::pressure`] asks something else; [`ZeroPool::trim`] gives
//!   back at any time. A pool that nobody uses sleeps: it holds `min` blocks and asks nobody.
//! - **When the pool is dropped** its thread is joined, which takes as long as the clearing of a
//!   few blocks, and what it holds is given back. Blocks that are still taken stay valid, and go
//!   back when they are dropped.
//! - **After a `fork`** the child has the pool, and what was ready in it, but not the thread. It
//!   takes what is ready, then blocks are cleared on the spot; nothing waits for the thread, and
//!   dropping the pool does not either, though some of what it holds may stay mapped. With a
//!   [`Supply`] of memory that both processes share, child and parent would take the same blocks.
//!   Before Linux 4.14 only its PID distinguishes the child. If both have the same one, as PID 1 of
//!   nested namespaces, dropping the pool in the child panics or hangs there.
//!
//! A block is zero when it is taken, not by being taken: it is in no cache. Who writes all of it at
//! once fetches every line from memory, where a page that was just cleared hot would be at hand. So
//! the pool is for blocks that are used little by little, or that live long; not for one that is
//! given back and taken again at once.
//!
//! Memory is touched first by the pool's thread: on a machine with several NUMA nodes it is near
//! that, which has the CPU affinity of the thread that made the pool. One pool a node serves best.
//!
//! Taking and giving back allocate nothing of the global allocator, nor does the thread once it
//! runs, but where the pool's memory comes from there: other systems than Linux, or orders less
//! than a page of the system. Making a pool does.

mod block;
mod demand;
mod idle;
#[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
mod mappings;
#[cfg(all(test, loom))]
mod models;
mod origin;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod pressure;
mod ring;
mod shared;
mod supply;
mod worker;

use std::collections::TryReserveError;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::{fmt, io};

pub use self::block::ZeroBlock;
use self::demand::Bounds;
use self::origin::Origin;
use self::shared::Shared;
use self::supply::Heap;
pub use self::supply::{Supplied, Supply};
use self::worker::Pressure;
use crate::page::{Order, Page};
use crate::sync::Arc;
use crate::sync::thread::{self, JoinHandle};

/// Blocks of pages that are zero already.
///
/// ```
/// use clearpage::pool::ZeroPool;
///
/// # fn main() -> std::io::Result<()> {
/// let pool = ZeroPool::new(256)?;
/// let mut page = pool.take().expect("out of memory");
/// page.bytes_mut()[..5].copy_from_slice(b"hello");
/// drop(page);
/// # Ok(())
/// # }
/// ```
pub struct ZeroPool {
    shared: Arc<Shared>,
    worker: Option<JoinHandle<()>>,
    /// The process that has the thread.
    origin: Origin,
}

impl ZeroPool {
    /// A pool of single pages that holds at most `max` of them, else as [`ZeroPool::builder`].
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn new(max: usize) -> io::Result<Self> {
        Self::builder(max).build()
    }

    /// How a pool is to be that holds at most `max` blocks.
    pub fn builder(max: usize) -> Builder {
        Builder { order: Order::ZERO, min: max / 8, max, idle: true, supply: None, pressure: None }
    }

    /// A block that is zero; `None` if none is ready and the supply has none.
    #[inline]
    pub fn take(&self) -> Option<ZeroBlock> {
        // SAFETY: it was just taken.
        self.shared.take().map(|block| unsafe { ZeroBlock::new(block, &self.shared) })
    }

    /// The same without the handle, for allocators: the first page of a block, or `None`.
    ///
    /// The block is the caller's until it comes back by [`give_back`](Self::give_back). One that
    /// does not, as long as the pool is there, is never given to the supply.
    #[inline]
    pub fn take_raw(&self) -> Option<NonNull<Page>> {
        self.shared.take()
    }

    /// Takes a block back, of any content.
    ///
    /// # Safety
    /// The block came from [`take_raw`](Self::take_raw) of this pool, and is used no longer.
    pub unsafe fn give_back(&self, block: NonNull<Page>) {
        // SAFETY: the caller's promise.
        unsafe { self.shared.give_back(block) }
    }

    /// Gives blocks back to the supply until at most `keep` are held, here and now; returns how
    /// many. The few that the thread has in hand follow within a tenth of a second.
    ///
    /// The pool takes no more until somebody takes a block; then again as many as are asked for.
    pub fn trim(&self, keep: usize) -> usize {
        self.shared.trim(keep)
    }

    /// The order of its blocks.
    pub fn order(&self) -> Order {
        self.shared.order
    }

    /// What was done so far. Counts of different moments, if others use the pool meanwhile.
    pub fn statistics(&self) -> Statistics {
        self.shared.statistics()
    }
}

impl Drop for ZeroPool {
    fn drop(&mut self) {
        self.shared.stop();
        if let Some(worker) = self.worker.take() {
            if !self.origin.is_here() {
                // The child of a fork has no such thread: joining it panics or never returns.
                std::mem::forget(worker);
            } else if worker.thread().id() != thread::current().id() {
                // An error is a panic of the supply's, which was told of when it happened.
                let _ = worker.join();
            }
            // The thread itself, where it is given the last of a pool's owners, just goes on to end.
        }
        self.shared.close();
    }
}

impl fmt::Debug for ZeroPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (order, statistics) = (self.order(), self.statistics());
        f.debug_struct("ZeroPool").field("order", &order).field("statistics", &statistics).finish()
    }
}

/// How a [`ZeroPool`] is to be.
#[must_use = "a pool is made by `build`"]
pub struct Builder {
    order: Order,
    min: usize,
    max: usize,
    idle: bool,
    supply: Option<Box<dyn Supply>>,
    pressure: Option<Pressure>,
}

impl Builder {
    /// Blocks of `order`; else of one page. They are aligned to their size, and where that is 2 MiB
    /// or more, the system is advised to use huge pages.
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Blocks that are ready even if nobody takes any, from the beginning; else an eighth of the
    /// most.
    pub fn min(mut self, min: usize) -> Self {
        self.min = min;
        self
    }

    /// Whether the thread has idle priority, which it has unless this says no: then it is as the
    /// thread that makes the pool.
    pub fn idle(mut self, idle: bool) -> Self {
        self.idle = idle;
        self
    }

    /// Where the blocks come from. Else they are anonymous mappings on Linux; on other systems, and
    /// for orders that are less than a page of the system, memory of the global allocator.
    pub fn supply(mut self, supply: impl Supply + 'static) -> Self {
        self.supply = Some(Box::new(supply));
        self
    }

    /// How the pool learns that memory is short: by asking this, on its thread, at most ten times a
    /// second. `|| false` is for pools that are to keep what they have. Else it asks the system, if
    /// that is Linux.
    pub fn pressure(mut self, short: impl FnMut() -> bool + Send + 'static) -> Self {
        self.pressure = Some(Box::new(short));
        self
    }

    /// Makes the pool and starts its thread, which begins to clear `min` blocks.
    ///
    /// # Errors
    /// - `InvalidInput`: `min` is more than `max`, or `max` blocks are more than addresses.
    /// - `OutOfMemory`: there is no memory for the pool's own lists, two words a block each.
    /// - What the system says when it refuses a thread.
    pub fn build(self) -> io::Result<ZeroPool> {
        let Self { order, min, max, idle, supply, pressure } = self;
        let invalid = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        if min > max {
            return invalid(&format!("min is {min} blocks, more than max: {max}"));
        }
        if max > isize::MAX as usize / order.size() {
            return invalid(&format!("max is {max} blocks of {} bytes: too many", order.size()));
        }
        let supply = supply.map_or_else(|| system(order, max), Ok)?;
        let shared = Arc::new(Shared::new(order, Bounds { min, max }, supply)?);
        let origin = Origin::here();
        let thread = thread::Builder::new().name("clearpage-pool".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || {
                if idle {
                    idle::idle();
                }
                worker::run(&shared, pressure.unwrap_or_else(system_pressure));
            }
        })?;
        Ok(ZeroPool { shared, worker: Some(thread), origin })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { order, min, max, idle, .. } = self;
        write!(f, "Builder({min} to {max} blocks of {order:?}, idle priority: {idle})")
    }
}

/// The system's memory.
fn system(order: Order, capacity: usize) -> Result<Box<dyn Supply>, TryReserveError> {
    #[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
    if mappings::Mappings::serve(order) {
        return Ok(Box::new(mappings::Mappings::new(order, capacity)?));
    }
    let _ = capacity;
    Ok(Box::new(Heap))
}

/// Whether the system's memory is short; never, where it does not tell.
fn system_pressure() -> Pressure {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(mut stalls) = pressure::Stalls::new() {
        return Box::new(move || stalls.short());
    }
    Box::new(|| false)
}

/// What a pool did, in blocks; the counts wrap, as `usize` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Taken that were ready.
    pub taken: usize,
    /// Asked for when none was ready: cleared on the spot, fresh from the supply, or not to be had.
    pub missed: usize,
    /// Made ready by the background thread.
    pub cleared: usize,
    /// Given to the supply.
    pub given_back: usize,
    /// Ready now.
    pub ready: usize,
    /// Held now: ready, or to be cleared.
    pub held: usize,
    /// To be ready, by what was taken lately.
    pub target: usize,
}

/// What is written often, apart from what others read: two cache lines of most machines, which
/// come in pairs.
#[derive(Default)]
#[repr(align(128))]
struct Line<T>(T);

impl<T> Deref for Line<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Line<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}
