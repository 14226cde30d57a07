//! A byte that is set by whoever wants it otherwise, and before that by what the environment says.

use super::atomic::{AtomicU8, Ordering::Relaxed};

/// On a cache line of its own: every allocation reads it, so nobody may write beside it.
#[repr(align(64))]
pub(crate) struct Switch(pub(crate) AtomicU8);

impl Switch {
    #[inline(always)]
    pub(crate) fn get(&self) -> u8 {
        self.0.load(Relaxed)
    }

    pub(crate) fn set(&self, to: u8) {
        self.0.store(to, Relaxed);
    }

    /// Sets it unless it is something else than `from` by now.
    #[cfg(all(feature = "std", unix))]
    pub(crate) fn set_from(&self, from: u8, to: u8) {
        let _ = self.0.compare_exchange(from, to, Relaxed, Relaxed);
    }
}
