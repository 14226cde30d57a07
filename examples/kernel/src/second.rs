//! The second CPU. It clears frames of its own through windows, while the first CPU runs the tests.

use core::hint::spin_loop;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed, Ordering::SeqCst, fence};

use clearpage::Intent;
use clearpage::highmem::clear_highpages;

use crate::check::{Checker, Content};
use crate::checked::{Checked, Reach};
use crate::memory::{SECOND, range};
use crate::{arch, paging};

/// Ranges of frames cleared.
static CLEARED: AtomicU64 = AtomicU64::new(0);
static STOP: AtomicBool = AtomicBool::new(false);
static STOPPED: AtomicBool = AtomicBool::new(false);

/// Starts it, and waits until it has cleared some frames.
pub fn start() {
    fence(SeqCst);
    arch::start_second();
    while CLEARED.load(SeqCst) == 0 {
        spin_loop();
    }
}

/// Waits until it has stopped, and returns how many ranges it has cleared.
pub fn stop() -> u64 {
    STOP.store(true, SeqCst);
    while !STOPPED.load(SeqCst) {
        spin_loop();
    }
    CLEARED.load(SeqCst)
}

/// Its stack pointer is set, and nothing else is prepared.
#[unsafe(no_mangle)]
extern "C" fn second() -> ! {
    arch::init(1);
    // SAFETY: the first CPU has created the tables.
    unsafe { paging::activate() };
    // One page; pages, of which the first are in no aligned block; an aligned block.
    let ranges = [range(SECOND + 1, 1), range(SECOND + 500, 40), range(SECOND + 1024, 512)];
    while !STOP.load(SeqCst) {
        for (frames, reach) in
            ranges.iter().flat_map(|range| Reach::ALL.map(|reach| (*range, reach)))
        {
            Checker::Second.observe(frames, format_args!("CPU 1 {reach:?} {frames}"), || {
                // SAFETY: the frames are this CPU's own.
                unsafe { clear_highpages(&Checked::new(reach), frames, Intent::Auto) }.unwrap();
                Content::Zero
            });
            CLEARED.fetch_add(1, Relaxed);
        }
    }
    STOPPED.store(true, SeqCst);
    loop {
        spin_loop();
    }
}
