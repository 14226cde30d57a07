//! All policies and sets of flags, and what they do to the data of frames.

use clearpage::hooks::{AllocFlags, DataState, InitPolicy, SkipReason};

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

/// Returns the row of the truth table for an allocation, without regard to memory tags.
pub fn at_alloc(policy: InitPolicy, flags: AllocFlags) -> DataState {
    if flags.contains(AllocFlags::KNOWN_ZERO) {
        DataState::Left(SkipReason::KnownZero)
    } else if flags.contains(AllocFlags::ZERO) {
        DataState::Cleared
    } else if !policy.on_alloc {
        DataState::Left(SkipReason::NotAsked)
    } else if flags.contains(AllocFlags::SKIP_ZERO) {
        DataState::Left(SkipReason::CallerClears)
    } else if flags.contains(AllocFlags::WILL_OVERWRITE) {
        DataState::Left(SkipReason::WillOverwrite)
    } else {
        DataState::Cleared
    }
}

/// Returns what a free does to the data.
pub fn at_free(policy: InitPolicy, flags: AllocFlags) -> DataState {
    if !policy.on_free {
        DataState::Left(SkipReason::NotAsked)
    } else if flags.contains(AllocFlags::KNOWN_ZERO) {
        DataState::Left(SkipReason::KnownZero)
    } else {
        DataState::Cleared
    }
}
