//! The entries of the plan by themselves. `tests/models.rs` has models of all settings.
#![cfg(not(loom))]

use std::ptr;
use std::sync::atomic::{self, Ordering::Relaxed};

#[path = "../src/settings/entries.rs"]
mod entries;

/// The state in the child of a fork if another thread of the parent was filling the entries.
#[test]
fn partly_filled_entries_are_completed() {
    let [old, new] = [&1, &2];
    let entries = entries::Entries::<i32, 2, 2>(Default::default());
    entries.0[0][0].store(ptr::from_ref(old).cast_mut(), Relaxed);
    assert!(!entries.are_complete());
    assert_eq!((entries.get(0, 0), entries.get(1, 1)), (Some(old), None));
    entries.complete(|_, _| new);
    assert!(entries.are_complete());
    assert_eq!([0, 1].map(|class| entries.get(0, class)), [Some(old), Some(new)]);
    entries.replace(|_, _| old);
    assert_eq!(entries.get(1, 1), Some(old));
}
