//! A number that only the system knows, such as the size of a cache block.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::primitive::Unavailable;

/// Asked for until it is told, and kept then. It is not 0.
#[allow(dead_code, reason = "PowerPC may be without asm to need it")]
pub(super) struct Asked {
    /// 0 until it is known.
    told: AtomicUsize,
    ask: fn() -> Result<usize, Unavailable>,
}

#[allow(dead_code, reason = "PowerPC may be without asm to need it")]
impl Asked {
    pub(super) const fn new(ask: fn() -> Result<usize, Unavailable>) -> Self {
        Self { told: AtomicUsize::new(0), ask }
    }

    /// The number, or why it is not known.
    pub(super) fn get(&self) -> Result<usize, Unavailable> {
        match self.told.load(Relaxed) {
            0 => {
                let told = (self.ask)()?;
                self.told.store(told, Relaxed);
                Ok(told)
            }
            told => Ok(told),
        }
    }

    /// The number, for who knows that it can be told: one load.
    #[inline]
    pub(super) fn known(&self) -> usize {
        match self.told.load(Relaxed) {
            0 => self.not_asked_yet(),
            told => told,
        }
    }

    #[cold]
    #[inline(never)]
    fn not_asked_yet(&self) -> usize {
        self.get().expect("this build is for a primitive that needs it")
    }
}
