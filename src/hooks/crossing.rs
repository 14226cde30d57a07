//! Chooses the intent for a block by its size relative to the second-level cache.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::cpu::caches;
use crate::intent::Intent;

/// Returns Hot up to the size of the second-level cache, Cold above it. Longer blocks would evict
/// each other and the program's working set.
#[inline]
pub(super) fn hot_up_to_l2(bytes: u64) -> Intent {
    /// The size, or 0 before the first call. CPUID is slow, more so in a virtual machine.
    static L2: AtomicUsize = AtomicUsize::new(0);
    #[cold]
    fn ask() -> usize {
        // If the size is unknown, assume 1 MiB, which is common on server CPUs.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_up_to_the_second_level_cache_are_hot() {
        let l2 = match caches().l2 {
            0 => 1 << 20,
            l2 => l2 as u64,
        };
        // The second call finds the size that the first one stored.
        for _ in 0..2 {
            assert_eq!([1, l2, l2 + 1].map(hot_up_to_l2), [Intent::Hot, Intent::Hot, Intent::Cold]);
        }
    }
}
