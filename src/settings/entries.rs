//! The entries of the plan. Each is independent: during a change, a reader gets the old or the new
//! primitive.

use core::ptr;

use super::atomic::{AtomicPtr, Ordering::Relaxed};
use crate::primitive::Primitive;

/// Each entry is null until it is filled; then it points to a row of the table of primitives. The
/// table is a constant, initialised before any thread, so relaxed accesses suffice.
pub(crate) struct Entries<const I: usize, const C: usize>(
    pub(crate) [[AtomicPtr<Primitive>; C]; I],
);

impl<const I: usize, const C: usize> Entries<I, C> {
    /// Returns an entry, or `None` if it is not filled.
    #[inline(always)]
    pub(crate) fn get(&self, intent: usize, class: usize) -> Option<&'static Primitive> {
        // SAFETY: an entry is null or points to a row, which is a constant.
        unsafe { self.0[intent][class].load(Relaxed).as_ref() }
    }

    /// Returns whether every entry is filled. One filled entry is no proof of the others: another
    /// thread may be filling them, and that thread does not exist in the child of a fork.
    pub(crate) fn are_complete(&self) -> bool {
        self.0.iter().flatten().all(|entry| !entry.load(Relaxed).is_null())
    }

    /// Fills the empty entries, without overwriting those of a [`replace`](Self::replace).
    pub(crate) fn complete(&self, choose: impl Fn(usize, usize) -> &'static Primitive) {
        self.put(choose, |entry, row| {
            #[cfg(target_has_atomic = "ptr")]
            let _ = entry.compare_exchange(ptr::null_mut(), row, Relaxed, Relaxed);
            #[cfg(not(target_has_atomic = "ptr"))]
            if entry.load(Relaxed).is_null() {
                entry.store(row, Relaxed);
            }
        });
    }

    /// Overwrites all entries.
    pub(crate) fn replace(&self, choose: impl Fn(usize, usize) -> &'static Primitive) {
        self.put(choose, |entry, row| entry.store(row, Relaxed));
    }

    fn put(
        &self,
        choose: impl Fn(usize, usize) -> &'static Primitive,
        put: impl Fn(&AtomicPtr<Primitive>, *mut Primitive),
    ) {
        for (intent, classes) in self.0.iter().enumerate() {
            for (class, entry) in classes.iter().enumerate() {
                put(entry, ptr::from_ref(choose(intent, class)).cast_mut());
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::primitive::primitives;

    /// The state in the child of a fork if another thread of the parent was filling the entries.
    #[test]
    fn what_is_filled_in_part_is_completed() {
        let [old, new] = [&primitives()[0], primitives().last().unwrap()];
        let entries = Entries::<2, 2>(Default::default());
        entries.0[0][0].store(ptr::from_ref(old).cast_mut(), Relaxed);
        assert!(!entries.are_complete());
        assert_eq!((entries.get(0, 0), entries.get(1, 1)), (Some(old), None));
        entries.complete(|_, _| new);
        assert!(entries.are_complete());
        assert_eq!([0, 1].map(|class| entries.get(0, class)), [Some(old), Some(new)]);
        entries.replace(|_, _| old);
        assert_eq!(entries.get(1, 1), Some(old));
    }
}
