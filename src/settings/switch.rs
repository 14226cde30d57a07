//! A setting of one byte: the value from the environment until a setter overrides it.

use super::atomic::{AtomicU8, Ordering::Relaxed};

/// Has a cache line of its own: every allocation reads it, on any CPU, so no writes may share it.
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

    /// Sets the value to `to` if it is still `from`.
    #[cfg(all(feature = "std", any(unix, windows)))]
    pub(crate) fn set_from(&self, from: u8, to: u8) {
        let _ = self.0.compare_exchange(from, to, Relaxed, Relaxed);
    }
}
