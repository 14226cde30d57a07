//! Keeps zeroed blocks of pages ready, which a background thread clears ahead of time.
//!
//! Taking a block from a [`ZeroPool`] pops an address from a queue, in about ten nanoseconds. The
//! queue is lock-free: a thread that is preempted, at any priority, does not block the others.
//!
//! ```
//! use clearpage_os::ZeroPool;
//!
//! # fn main() -> std::io::Result<()> {
//! let pool = ZeroPool::builder(256).min(64).build()?;
//! let mut page = pool.take().expect("out of memory");
//! assert!(page.bytes().iter().all(|&byte| byte == 0));
//! page.bytes_mut()[..5].copy_from_slice(b"hello");
//! drop(page); // back to the pool, which clears it
//! # Ok(())
//! # }
//! ```
//!
//! - **Number of ready blocks**: the target is the number of blocks taken in the last 0.1 s, within
//!   the `min` and `max` of the [`ZeroPoolBuilder`]. It rises at once, and halves in half a second
//!   if fewer are taken. If fewer than half of the target are ready, the thread clears more.
//! - **Bound**: the pool holds at most `max` blocks, zeroed or not. A block that is freed while the
//!   pool is full is released to the source at once.
//! - **If no block is ready**, the caller's thread clears a freed block and leaves it in the cache,
//!   or gets a fresh one, which the system clears at the first touch. This is usual under full
//!   load of all CPUs: on Linux the background thread has idle priority (`SCHED_IDLE`), unless
//!   [`ZeroPoolBuilder::idle`] disables that or the system refuses it. On other systems it has
//!   normal priority: it takes the lock of the global allocator, which the rest of the program needs.
//! - **If memory is short**, the pool releases all its blocks, and holds none until memory is
//!   available again. It checks ten times a second while it is used or holds more than `min`. On
//!   Linux, memory is short if threads of this control group (if it has no statistics, of the
//!   system) stalled on memory for more than a tenth of the time (PSI). A kernel without PSI
//!   reports nothing. [`ZeroPoolBuilder::pressure`] replaces this check; [`ZeroPool::trim`]
//!   releases blocks at any time. An unused pool holds `min` blocks and sleeps without checking.
//! - **When the pool is dropped**, it joins its thread, which takes as long as clearing a few
//!   blocks, and releases its blocks. Blocks that callers hold stay valid, and are released when
//!   they are dropped.
//! - **After a `fork`**, the child has the pool and its ready blocks, but not the thread. It takes
//!   the ready blocks first; all further ones are cleared on the spot. Neither taking a block nor
//!   dropping the pool waits for the thread, but memory of a dropped pool may stay mapped. With a
//!   [`BlockSource`] of memory that both processes share, child and parent would take the same
//!   blocks. Before Linux 4.14 only its PID distinguishes the child. If both have the same PID, as
//!   PID 1 of nested namespaces, dropping the pool in the child panics or hangs there.
//!
//! A ready block is in no cache. A caller that writes all of it at once fetches every line from
//! memory, whereas a page cleared on the spot would be in the cache. So the pool suits blocks that
//! are used little by little or live long, not blocks that are freed and taken again at once.
//!
//! The pool's thread touches memory first, so on a NUMA machine the memory is near that thread. It
//! inherits the CPU affinity of the thread that creates the pool. Use one pool per node.
//!
//! Taking and freeing blocks does not call the global allocator, and neither does the running
//! thread, unless the blocks come from it: on systems other than Linux, or for orders smaller than
//! a page of the system. Creating a pool does.

mod block;
mod demand;
#[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
mod mappings;
#[cfg(all(test, loom))]
mod models;
mod origin;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod pressure;
mod ring;
mod shared;
mod source;
mod worker;

use std::collections::TryReserveError;
use std::ptr::NonNull;
use std::{fmt, io};

pub use self::block::ZeroBlock;
use self::demand::Bounds;
use self::origin::Origin;
use self::shared::Shared;
use self::source::Heap;
pub use self::source::{Block, BlockSource};
use self::worker::Pressure;
use crate::sync::Arc;
use crate::sync::thread::{self, JoinHandle};
use clearpage::{Order, Page};

/// Provides blocks of pages that are already zeroed.
pub struct ZeroPool {
    shared: Arc<Shared>,
    worker: Option<JoinHandle<()>>,
    /// The process that created the pool, and so has its thread.
    origin: Origin,
}

impl ZeroPool {
    /// Creates a pool of at most `max` single pages, with the defaults of [`ZeroPool::builder`].
    pub fn new(max: usize) -> io::Result<Self> {
        Self::builder(max).build()
    }

    /// Returns a builder for a pool that holds at most `max` blocks.
    pub fn builder(max: usize) -> ZeroPoolBuilder {
        ZeroPoolBuilder {
            order: Order::ZERO,
            min: max / 8,
            max,
            idle: true,
            source: None,
            pressure: None,
        }
    }

    /// Takes a zeroed block; returns `None` if neither the pool nor the source has one.
    #[inline]
    pub fn take(&self) -> Option<ZeroBlock> {
        // SAFETY: `block` was just taken from `self.shared`, so it has no other owner.
        self.shared.take().map(|block| unsafe { ZeroBlock::new(block, &self.shared) })
    }

    /// Takes a zeroed block like [`take`](Self::take), but returns its first page: for allocators.
    ///
    /// The caller owns the block until it frees it with [`release`](Self::release). A block that is
    /// not freed while the pool exists is never released to the source.
    #[inline]
    pub fn take_raw(&self) -> Option<NonNull<Page>> {
        self.shared.take()
    }

    /// Frees a block from [`take_raw`](Self::take_raw), regardless of its contents.
    ///
    /// # Safety
    /// The block came from [`take_raw`](Self::take_raw) of this pool, and is no longer used.
    pub unsafe fn release(&self, block: NonNull<Page>) {
        // SAFETY: the caller's promise.
        unsafe { self.shared.free(block) }
    }

    /// Releases blocks to the source until the pool holds at most `keep`; returns their number. The
    /// few blocks that the background thread is clearing follow within a tenth of a second.
    ///
    /// The pool obtains no more until a caller takes a block; then it follows demand again.
    pub fn trim(&self, keep: usize) -> usize {
        self.shared.trim(keep)
    }

    /// Returns the order of the pool's blocks.
    pub fn order(&self) -> Order {
        self.shared.order
    }

    /// Returns counters of what the pool did. They are read one by one, so while other threads use
    /// the pool they do not add up.
    pub fn stats(&self) -> PoolStats {
        self.shared.stats()
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
                // `join` fails only if a callback panicked, which the panic hook has reported.
                let _ = worker.join();
            }
            // If a callback dropped the pool on the thread itself, the thread ends by itself.
        }
        self.shared.close();
    }
}

impl fmt::Debug for ZeroPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (order, stats) = (self.order(), self.stats());
        f.debug_struct("ZeroPool").field("order", &order).field("stats", &stats).finish()
    }
}

/// Configures a [`ZeroPool`].
#[must_use = "`build` creates the pool"]
pub struct ZeroPoolBuilder {
    order: Order,
    min: usize,
    max: usize,
    idle: bool,
    source: Option<Box<dyn BlockSource>>,
    pressure: Option<Pressure>,
}

impl ZeroPoolBuilder {
    /// Sets the order of the blocks. Default: one page. The default source aligns blocks to their
    /// size, and advises Linux to use huge pages if that is 2 MiB or more.
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Sets the minimum number of blocks to keep ready, from the beginning and without demand.
    /// Default: `max / 8`.
    pub fn min(mut self, min: usize) -> Self {
        self.min = min;
        self
    }

    /// Sets whether the background thread has idle priority on Linux. Default: `true`. If `false`,
    /// and on other systems, it keeps the priority of the thread that creates the pool.
    pub fn idle(mut self, idle: bool) -> Self {
        self.idle = idle;
        self
    }

    /// Sets the source of the blocks. Default: anonymous mappings on Linux; the global allocator on
    /// other systems, and for orders smaller than a page of the system.
    pub fn source(mut self, source: impl BlockSource + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// Sets the function that reports whether memory is short. The pool's thread calls it at most
    /// ten times a second. With `|| false` the pool keeps its blocks. Default: PSI on Linux,
    /// [as described](self); `|| false` on other systems.
    pub fn pressure(mut self, short: impl FnMut() -> bool + Send + 'static) -> Self {
        self.pressure = Some(Box::new(short));
        self
    }

    /// Creates the pool and starts its thread, which begins to clear `min` blocks.
    ///
    /// # Errors
    /// - `InvalidInput`: `min` is more than `max`, or `max` blocks exceed `isize::MAX` bytes.
    /// - `OutOfMemory`: there is no memory for the pool's own lists, of two words per block each.
    /// - The system's error if it refuses to create a thread.
    pub fn build(self) -> io::Result<ZeroPool> {
        let Self { order, min, max, idle, source, pressure } = self;
        let invalid = |error: String| Err(io::Error::new(io::ErrorKind::InvalidInput, error));
        if min > max {
            return invalid(format!("min is {min} blocks, more than max: {max}"));
        }
        if max > isize::MAX as usize / order.bytes() {
            return invalid(format!("max is {max} blocks of {} bytes: too many", order.bytes()));
        }
        let source = source.map_or_else(|| system(order, max), Ok)?;
        let shared = Arc::new(Shared::new(order, Bounds { min, max }, source)?);
        let origin = Origin::here();
        let thread = thread::Builder::new().name("clearpage-pool".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || {
                if idle {
                    worker::set_idle_priority();
                }
                worker::run(&shared, pressure.unwrap_or_else(system_pressure));
            }
        })?;
        Ok(ZeroPool { shared, worker: Some(thread), origin })
    }
}

impl fmt::Debug for ZeroPoolBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { order, min, max, idle, .. } = self;
        write!(f, "ZeroPoolBuilder({min} to {max} blocks of {order:?}, idle priority: {idle})")
    }
}

/// Returns the default source.
fn system(order: Order, capacity: usize) -> Result<Box<dyn BlockSource>, TryReserveError> {
    #[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
    if mappings::Mappings::serve(order) {
        return Ok(Box::new(mappings::Mappings::new(order, capacity)?));
    }
    let _ = (order, capacity);
    Ok(Box::new(Heap))
}

/// Returns the default check for short memory; it reports `false` if the system has no PSI.
fn system_pressure() -> Pressure {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(mut stalls) = pressure::Stalls::new() {
        return Box::new(move || stalls.short());
    }
    Box::new(|| false)
}

/// Counts what a pool did, in blocks; the counters wrap, as `usize` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// Taken from the ready blocks.
    pub taken: usize,
    /// Requested while none was ready: cleared on the spot, fresh from the source, or unavailable.
    pub missed: usize,
    /// Made ready by the background thread.
    pub cleared: usize,
    /// Released to the source.
    pub released: usize,
    /// Ready now.
    pub ready: usize,
    /// Held now: ready, or not yet cleared.
    pub held: usize,
    /// To be kept ready, according to recent demand.
    pub target: usize,
}

/// Keeps data that is often written apart from data that other threads read. The alignment is two
/// cache lines of most machines, because they are fetched in pairs.
#[derive(Default)]
#[repr(align(128))]
struct Line<T>(T);
