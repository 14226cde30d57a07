//! The entries of the plan. Each is independent: during a change, a reader gets the old or the new
//! primitive.

use core::ptr;

use super::atomic::{AtomicPtr, Ordering::Relaxed};

/// Each entry is null until it is filled; then it points to a constant, such as a row of the table
/// of primitives. A constant is initialised before any thread, so relaxed accesses suffice.
pub(crate) struct Entries<T: 'static, const I: usize, const C: usize>(
    pub(crate) [[AtomicPtr<T>; C]; I],
);

impl<T, const I: usize, const C: usize> Entries<T, I, C> {
    /// Returns an entry, or `None` if it is not filled.
    #[inline(always)]
    pub(crate) fn get(&self, intent: usize, class: usize) -> Option<&'static T> {
        // SAFETY: an entry is null or points to a constant.
        unsafe { self.0[intent][class].load(Relaxed).as_ref() }
    }

    /// Returns whether every entry is filled. One filled entry is no proof of the others: another
    /// thread may be filling them, and that thread does not exist in the child of a fork.
    pub(crate) fn are_complete(&self) -> bool {
        self.0.iter().flatten().all(|entry| !entry.load(Relaxed).is_null())
    }

    /// Fills the empty entries, without overwriting those of a [`replace`](Self::replace).
    pub(crate) fn complete(&self, choose: impl Fn(usize, usize) -> &'static T) {
        self.put(choose, |entry, row| {
            #[cfg(target_has_atomic = "ptr")]
            let _ = entry.compare_exchange(ptr::null_mut(), row, Relaxed, Relaxed);
            #[cfg(not(target_has_atomic = "ptr"))]
            if entry.load(Relaxed).is_null() {
                entry.store(row, Relaxed);
            }
        });
    }

    pub(crate) fn replace(&self, choose: impl Fn(usize, usize) -> &'static T) {
        self.put(choose, |entry, row| entry.store(row, Relaxed));
    }

    fn put(
        &self,
        choose: impl Fn(usize, usize) -> &'static T,
        put: impl Fn(&AtomicPtr<T>, *mut T),
    ) {
        for (intent, classes) in self.0.iter().enumerate() {
            for (class, entry) in classes.iter().enumerate() {
                put(entry, ptr::from_ref(choose(intent, class)).cast_mut());
            }
        }
    }
}
