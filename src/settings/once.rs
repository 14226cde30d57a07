//! A value that the first call makes and that never changes.

use core::ptr::{self, NonNull};

use super::atomic::{AtomicPtr, Ordering::*};

/// The pointer is null until a value is published.
pub(crate) struct Once<T: 'static>(pub(crate) AtomicPtr<T>);

impl<T: Sync> Once<T> {
    /// Returns the value, and makes it on the first call. If several threads make one concurrently,
    /// all get the one that is published; the others are never dropped.
    pub(crate) fn get_or_make(&self, make: impl FnOnce() -> &'static T) -> &'static T {
        // SAFETY: null, or a `&'static T`, written before the Release store that Acquire reads.
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
            // SAFETY: a `&'static T` again, and the failed exchange loads it with Acquire.
            Err(Some(others)) => unsafe { others.as_ref() },
            _ => mine,
        }
    }
}
