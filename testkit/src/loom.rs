//! Loom's types, adapted where they differ from the standard ones.

pub use ::loom::cell::UnsafeCell;
pub use ::loom::sync::Arc;

use std::cell::Cell;
use std::time::Duration;

/// Runs `model` once for each execution with at most `preemptions` preemptions: switches away from
/// a runnable thread.
pub fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = ::loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(preemptions);
    builder.max_branches = 10_000;
    builder.check(move || {
        NOW.set(Duration::ZERO);
        model();
    });
}

/// Atomics whose SeqCst accesses are ordered as C11 requires.
pub mod atomic {
    pub use ::loom::sync::atomic::Ordering;

    use std::ops::Deref;

    /// Stores the initial value once more with SeqCst. Loom orders SeqCst accesses of a location
    /// only against SeqCst stores, so it would report reads of that value that C11 forbids.
    macro_rules! stored_first {
        ($($name:ident $(<$t:ident>)?: $value:ty),*) => {$(
            /// Adapts the atomic of the same name.
            pub struct $name $(<$t>)? (::loom::sync::atomic::$name $(<$t>)?);

            impl $(<$t>)? $name $(<$t>)? {
                /// Creates an atomic, and stores `value` with SeqCst.
                pub fn new(value: $value) -> Self {
                    let atomic = ::loom::sync::atomic::$name::new(value);
                    atomic.store(value, Ordering::SeqCst);
                    Self(atomic)
                }
            }

            impl $(<$t>)? Deref for $name $(<$t>)? {
                type Target = ::loom::sync::atomic::$name $(<$t>)?;

                fn deref(&self) -> &Self::Target {
                    &self.0
                }
            }
        )*};
    }
    stored_first!(AtomicBool: bool, AtomicPtr<T>: *mut T, AtomicU8: u8, AtomicUsize: usize);

    /// Stores with a swap, which reads the latest value. Loom does not order the stores of two
    /// threads even if one is a read-modify-write that did not read the other, and loads either.
    macro_rules! stored_by_swap {
        ($($name:ident $(<$t:ident>)?: $value:ty),*) => {$(
            impl $(<$t>)? $name $(<$t>)? {
                /// Stores with a swap.
                pub fn store(&self, value: $value, ordering: Ordering) {
                    self.swap(value, ordering);
                }
            }
        )*};
    }
    stored_by_swap!(AtomicPtr<T>: *mut T, AtomicU8: u8);

    impl Default for AtomicUsize {
        fn default() -> Self {
            Self::new(0)
        }
    }
}

/// Threads whose timeouts elapse in the time of the model.
pub mod thread {
    pub use ::loom::thread::{Builder, JoinHandle, Thread, current, park, spawn};

    use ::loom::thread::yield_now;

    use super::{Duration, NOW, PATIENCE};

    /// Advances the time by `timeout` and returns at once, consuming any earlier unpark. After
    /// `PATIENCE` it first yields, so that every execution ends; not earlier, because loom tries
    /// fewer interleavings of threads that yield.
    pub fn park_timeout(timeout: Duration) {
        NOW.set(NOW.get() + timeout);
        if NOW.get() > PATIENCE {
            yield_now();
        }
        // Twice: a thread that yielded while no other was runnable loses the first unpark.
        current().unpark();
        current().unpark();
        park();
    }
}

const PATIENCE: Duration = Duration::from_millis(400);

thread_local! {
    /// The time in the model that this OS thread runs.
    static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// A point in the model's time, which only `park_timeout` advances: executions are repeatable.
pub struct Instant(Duration);

impl Instant {
    /// Returns the current time of the model.
    pub fn now() -> Self {
        Self(NOW.get())
    }

    /// Returns the time since then.
    pub fn elapsed(&self) -> Duration {
        NOW.get() - self.0
    }
}
