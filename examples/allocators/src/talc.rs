//! `talc` as the inner allocator of [`ClearingAlloc`](clearpage::hooks::ClearingAlloc), with a heap
//! that grows in steps.
//!
//! talc has its metadata in the heap: a word after every block, and in a free block a list node at
//! the start and its size at both ends. It writes them after `ClearingAlloc` has cleared the block.
//! So a block that is reused is not all zero, and `ClearingAlloc` clears it again.

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

/// A talc for several threads.
pub type Talc = TalcLock<Yielding, Steps>;

/// Creates a heap in the `len` bytes at `base`. It can be a static.
///
/// # Safety
/// As long as the heap is used, the bytes are valid for reads and writes, and only the owners of
/// blocks use them.
pub const unsafe fn heap(base: NonNull<u8>, len: usize) -> Talc {
    TalcLock::new(Steps { base, len, claimed: 0, end: None })
}

/// A source that adds 64 KiB of garbage to the heap when talc runs out of memory.
#[derive(Debug)]
pub struct Steps {
    base: NonNull<u8>,
    len: usize,
    claimed: usize,
    /// The end of the heap, as talc returned it.
    end: Option<NonNull<u8>>,
}

const STEP: usize = 64 << 10;

// SAFETY: only the heap uses the memory, as the caller of `heap` promised.
unsafe impl Send for Steps {}

// SAFETY: it does not allocate from the talc that called it.
unsafe impl Source for Steps {
    fn acquire<B: Binning>(talc: &mut Base<Self, B>, _: Layout) -> Result<(), ()> {
        let Self { base, len, claimed, end } = talc.source;
        let step = STEP.min(len - claimed);
        if step == 0 {
            return Err(());
        }
        // SAFETY: the step is in the memory and was not claimed. It follows the claimed part, up to
        // the end that talc returned. If one step is not enough, talc calls again.
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

/// A lock that allocates nothing, as an allocator requires. A waiting thread yields.
#[derive(Debug)]
pub struct Yielding(AtomicBool);

// SAFETY: one thread at a time finds the flag cleared, and unlocking releases its writes.
unsafe impl RawMutex for Yielding {
    #[allow(clippy::declare_interior_mutable_const, reason = "the trait requires it")]
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
