//! The timer interrupt. It clears a frame of its own through a window, regardless of what it
//! interrupts: a clear, an open window, a change of the plan.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use clearpage::highmem::clear_highpage;

use crate::check::{CLEARING, Checker, Content};
use crate::checked::{Checked, Reach};
use crate::memory::{INTERRUPT, range};

/// Interrupts a second.
pub const RATE: u64 = 4000;
/// Every such interrupt clears a frame.
const PERIOD: u64 = 8;

pub static TICKS: AtomicU64 = AtomicU64::new(0);
/// Interrupts during a clear of the kernel.
pub static DURING: AtomicU64 = AtomicU64::new(0);
/// Frames cleared by interrupts.
pub static CLEARED: AtomicU64 = AtomicU64::new(0);

pub fn tick() {
    let tick = TICKS.fetch_add(1, Relaxed);
    if CLEARING.load(Relaxed) {
        DURING.fetch_add(1, Relaxed);
    }
    if tick % PERIOD != 0 {
        return;
    }
    let frame = range(INTERRUPT + 1, 1);
    Checker::Interrupt.observe(frame, format_args!("the frame of an interrupt"), || {
        // SAFETY: the frame is the interrupt's own, and interrupts do not nest.
        unsafe { clear_highpage(&Checked::new(Reach::Page), frame.start()) }.unwrap();
        Content::Zero
    });
    CLEARED.fetch_add(1, Relaxed);
}
