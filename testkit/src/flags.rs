//! All policies and sets of flags.

use clearpage::hooks::{AllocFlags, InitPolicy};

/// All policies.
pub const POLICIES: [InitPolicy; 4] =
    [InitPolicy::OFF, InitPolicy::ON_ALLOC, InitPolicy::ON_FREE, InitPolicy::BOTH];

/// Returns every set of flags.
pub fn every_flags() -> impl Iterator<Item = AllocFlags> {
    let flags = [
        AllocFlags::ZERO,
        AllocFlags::SKIP_ZERO,
        AllocFlags::ZERO_TAGS,
        AllocFlags::KNOWN_ZERO,
        AllocFlags::WILL_OVERWRITE,
    ];
    (0..1 << flags.len()).map(move |set: u32| {
        let chosen = (0..flags.len()).filter(|i| set >> i & 1 == 1);
        chosen.fold(AllocFlags::NONE, |union, i| union | flags[i])
    })
}
