//! A value that is made by the first thread that asks, and never changes.

use core::ptr::{self, NonNull};

use super::atomic::{AtomicPtr, Ordering::*};

/// Null until it is made.
pub(crate) struct Once<T: 'static>(pub(crate) AtomicPtr<T>);

impl<T: Sync> Once<T> {
    /// The value. Threads that ask for the first time together all make one, and get one of them.
    /// The others are never dropped.
    pub(crate) fn get_or_make(&self, make: impl FnOnce() -> &'static T) -> &'static T {
        // SAFETY: null, or a value that is never dropped, and was written before it came here.
        if let Some(made) = unsafe { self.0.load(Acquire).as_ref() } {
            return made;
        }
        let mine = make();
        let published = self.0.compare_exchange(
            ptr::null_mut(),
            ptr::from_ref(mine).cast_mut(),
            Release,
            Acquire,
        );
        match published.map_err(NonNull::new) {
            // SAFETY: as above.
            Err(Some(others)) => unsafe { others.as_ref() },
            _ => mine,
        }
    }
}
