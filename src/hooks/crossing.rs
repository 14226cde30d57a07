//! Where a block is longer than what the cache can keep for its user.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::cpu::caches;
use crate::intent::Intent;

/// Hot up to the size of the second-level cache, Cold above: longer blocks would push each other,
/// and what the program works with, out of it.
#[inline]
pub(super) fn hot_up_to_l2(bytes: u64) -> Intent {
    /// 0 until it was asked for, once: CPUID is slow, more so in a virtual machine.
    static L2: AtomicUsize = AtomicUsize::new(0);
    #[cold]
    fn ask() -> usize {
        // Where nobody tells: what is common on CPUs of servers.
        let l2 = match caches().l2 {
            0 => 1 << 20,
            l2 => l2,
        };
        L2.store(l2, Relaxed);
        l2
    }
    let l2 = match L2.load(Relaxed) {
        0 => ask(),
        l2 => l2,
    };
    if bytes <= l2 as u64 { Intent::Hot } else { Intent::Cold }
}
