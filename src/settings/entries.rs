//! The entries of the plan. Each stands alone: who reads in the middle of a change gets the old
//! primitive or the new one.

use core::ptr;

use super::atomic::{AtomicPtr, Ordering::Relaxed};
use crate::primitive::Primitive;

/// An entry is null until somebody fills it; then it is a row of the table of primitives, which
/// is a constant and so older than any thread.
pub(crate) struct Entries<const I: usize, const C: usize>(
    pub(crate) [[AtomicPtr<Primitive>; C]; I],
);

impl<const I: usize, const C: usize> Entries<I, C> {
    /// `None` if nobody has filled it.
    #[inline(always)]
    pub(crate) fn get(&self, intent: usize, class: usize) -> Option<&'static Primitive> {
        // SAFETY: null, or a row.
        unsafe { self.0[intent][class].load(Relaxed).as_ref() }
    }

    /// Whether every entry is filled. One alone does not tell: another thread may be filling them,
    /// and after a fork nobody goes on with that.
    pub(crate) fn are_complete(&self) -> bool {
        self.0.iter().flatten().all(|entry| !entry.load(Relaxed).is_null())
    }

    /// Fills the entries that nobody has filled: those of a [`replace`](Self::replace) stay.
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

    /// Fills all entries.
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

    /// As the child of a fork finds it, whose parent was filling it on another thread.
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
