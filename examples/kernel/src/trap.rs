//! Exceptions: each is fatal, unless the kernel attempts an instruction to find out whether it
//! faults.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::arch::{self, cpu};
use crate::memory::{CHECKS, CPUS, WINDOWS};

/// Where execution of each CPU continues after an exception; 0 if none is expected.
pub static RESUME: [AtomicUsize; CPUS] = [const { AtomicUsize::new(0) }; CPUS];

/// Handles an exception at `pc` and returns the address to continue at.
pub fn exception(cause: usize, address: usize, pc: usize) -> usize {
    match RESUME[cpu()].swap(0, Relaxed) {
        0 => {
            let place = if (WINDOWS..CHECKS).contains(&address) { "a window" } else { "pc" };
            panic!("exception at {place}: cause {cause:#x}, pc {pc:#x}, address {address:#x}")
        }
        resume => {
            CAUSE[cpu()].store(cause, Relaxed);
            resume
        }
    }
}

static CAUSE: [AtomicUsize; CPUS] = [const { AtomicUsize::new(0) }; CPUS];

/// Returns the cause if the instruction that `run` attempts raises an exception.
pub fn attempt(run: impl FnOnce()) -> Option<usize> {
    arch::without_interrupts(|| {
        run();
        (RESUME[cpu()].swap(0, Relaxed) == 0).then(|| CAUSE[cpu()].load(Relaxed))
    })
}
