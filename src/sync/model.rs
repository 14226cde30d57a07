//! loom's types, where they differ from the standard ones adapted to them.

pub(crate) use loom::sync::Arc;

use std::cell::Cell;
use std::time::Duration;

/// Runs `model` once for each execution with at most `preemptions` switches away from a thread that
/// could go on.
pub(crate) fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(preemptions);
    builder.max_branches = 10_000;
    builder.check(move || {
        NOW.set(Duration::ZERO);
        model();
    });
}

pub(crate) mod atomic {
    pub(crate) use loom::sync::atomic::Ordering;

    use std::ops::Deref;

    /// loom orders SeqCst accesses of a location only against SeqCst stores, and the initial value
    /// is none. Without that store it reports reads of the initial value that C11 forbids.
    macro_rules! stored_first {
        ($($name:ident $(<$t:ident>)?: $value:ty),*) => {$(
            pub(crate) struct $name $(<$t>)? (loom::sync::atomic::$name $(<$t>)?);

            impl $(<$t>)? $name $(<$t>)? {
                pub(crate) fn new(value: $value) -> Self {
                    let atomic = loom::sync::atomic::$name::new(value);
                    atomic.store(value, Ordering::SeqCst);
                    Self(atomic)
                }
            }

            impl $(<$t>)? Deref for $name $(<$t>)? {
                type Target = loom::sync::atomic::$name $(<$t>)?;

                fn deref(&self) -> &Self::Target {
                    &self.0
                }
            }
        )*};
    }
    stored_first!(AtomicBool: bool, AtomicPtr<T>: *mut T, AtomicU8: u8, AtomicUsize: usize);

    /// loom leaves the order of two threads' stores open even where one is a read-modify-write that
    /// did not see the other, and then loads either of them. A swap sees what is there.
    macro_rules! stored_by_swap {
        ($($name:ident $(<$t:ident>)?: $value:ty),*) => {$(
            impl $(<$t>)? $name $(<$t>)? {
                pub(crate) fn store(&self, value: $value, ordering: Ordering) {
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

pub(crate) mod thread {
    pub(crate) use loom::thread::{Builder, JoinHandle, Thread, current, park, spawn};

    use loom::thread::yield_now;

    use super::{Duration, NOW, PATIENCE};

    /// Returns at once, and with it any unpark that came before: the time has passed. From
    /// `PATIENCE` on it lets another thread run first, so that no execution is without end; not
    /// before, because loom tries fewer interleavings of threads that yield.
    pub(crate) fn park_timeout(timeout: Duration) {
        NOW.set(NOW.get() + timeout);
        if NOW.get() > PATIENCE {
            yield_now();
        }
        // Twice: a thread that yielded while no other could run forgets the first.
        current().unpark();
        current().unpark();
        park();
    }
}

const PATIENCE: Duration = Duration::from_millis(400);

thread_local! {
    /// The time of the model that this system thread runs.
    static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Passes only while a thread is in `park_timeout`, so that executions can be repeated.
pub(crate) struct Instant(Duration);

impl Instant {
    pub(crate) fn now() -> Self {
        Self(NOW.get())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        NOW.get() - self.0
    }
}
