//! `talc` under [`ClearingAlloc`](clearpage::hooks::ClearingAlloc), over memory that it gets step by
//! step.
//!
//! talc has its books inside: a word behind every block, and in a free one a node at the start and
//! its size at both ends. They are written after `dealloc` wiped the block. So a block that comes
//! back is mostly zero and not all, and `ClearingAlloc`, which cannot know, clears it once more.

use std::alloc::Layout;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use talc::TalcLock;
use talc::base::Talc as Base;
use talc::base::binning::Binning;
use talc::lock_api::{GuardSend, RawMutex};
use talc::source::Source;

use crate::GARBAGE;

/// talc for several threads.
pub type Talc = TalcLock<Yielding, Steps>;

/// A heap in the `len` bytes at `base`. A static may be one.
///
/// # Safety
/// The bytes are valid for reads and writes as long as the heap is used, and nobody else uses them,
/// but who was handed them out.
pub const unsafe fn heap(base: NonNull<u8>, len: usize) -> Talc {
    TalcLock::new(Steps { base, len, claimed: 0, end: None })
}

/// Memory that talc gets 64 KiB at a time, when it needs them: full of garbage, as nobody cleared
/// it.
#[derive(Debug)]
pub struct Steps {
    base: NonNull<u8>,
    len: usize,
    claimed: usize,
    /// Where talc says that its heap ends.
    end: Option<NonNull<u8>>,
}

const STEP: usize = 64 << 10;

// SAFETY: the memory is the source's alone, by the promise to `heap`.
unsafe impl Send for Steps {}

// SAFETY: it allocates nothing and reports nothing.
unsafe impl Source for Steps {
    fn acquire<B: Binning>(talc: &mut Base<Self, B>, _: Layout) -> Result<(), ()> {
        let Self { base, len, claimed, end } = talc.source;
        let step = STEP.min(len - claimed);
        if step == 0 {
            return Err(());
        }
        // SAFETY: the step lies in the memory and was not claimed; what was before it is claimed, up
        // to the end that talc said. talc asks again where one step is not enough.
        let end = unsafe {
            let fresh = base.add(claimed);
            fresh.write_bytes(GARBAGE, step);
            match end {
                None => talc.claim(fresh.as_ptr(), step),
                Some(end) => Some(talc.extend(end, fresh.add(step).as_ptr())),
            }
        };
        talc.source.claimed += step;
        talc.source.end = end;
        end.map(|_| ()).ok_or(())
    }
}

/// A lock that needs no memory, as the lock of an allocator has to: who waits lets others run.
#[derive(Debug)]
pub struct Yielding(AtomicBool);

// SAFETY: one thread at a time finds the flag not set; who unlocks publishes what it wrote.
unsafe impl RawMutex for Yielding {
    #[allow(clippy::declare_interior_mutable_const, reason = "what the trait asks for")]
    const INIT: Self = Self(AtomicBool::new(false));

    type GuardMarker = GuardSend;

    fn lock(&self) {
        while !self.try_lock() {
            thread::yield_now();
        }
    }

    fn try_lock(&self) -> bool {
        !self.0.swap(true, Ordering::Acquire)
    }

    unsafe fn unlock(&self) {
        self.0.store(false, Ordering::Release);
    }
}
