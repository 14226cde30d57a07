//! The facts that a kernel has declared by [`init_with`](crate::init_with): what detection, which
//! reads only what every privilege level may read, cannot know.
//!
//! Plain stores and loads, no exclusive access: on aarch64 those may fault until the MMU is on.

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};

use super::{Caches, Facts, Features};

/// Set in [`FEATURES`] if facts are declared: no feature has this bit.
const DECLARED: u32 = 1 << 31;

static FEATURES: AtomicU32 = AtomicU32::new(0);
static L1D: AtomicUsize = AtomicUsize::new(0);
static L2: AtomicUsize = AtomicUsize::new(0);
static L3: AtomicUsize = AtomicUsize::new(0);

pub(crate) fn declare(facts: &Facts) {
    let Caches { l1d, l2, l3 } = facts.caches;
    for (cache, size) in [(&L1D, l1d), (&L2, l2), (&L3, l3)] {
        cache.store(size, Relaxed);
    }
    FEATURES.store(DECLARED | facts.features.bits(), Relaxed);
}

/// Returns the declared features, if facts are declared.
pub(crate) fn features() -> Option<Features> {
    let bits = FEATURES.load(Relaxed);
    (bits & DECLARED != 0).then(|| Features::from_bits(bits & !DECLARED))
}

/// Returns the declared cache sizes, if facts are declared.
pub(super) fn caches() -> Option<Caches> {
    let [l1d, l2, l3] = [&L1D, &L2, &L3].map(|cache| cache.load(Relaxed));
    features().map(|_| Caches { l1d, l2, l3 })
}
