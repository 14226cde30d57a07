//! Handles pointer and memory tags on targets without them.

/// Returns `address` unchanged, because there are no tags to strip.
#[inline]
pub(crate) const fn untag(address: usize) -> usize {
    address
}

#[inline]
pub(crate) const fn set_tag(address: usize, _tag: u8) -> usize {
    address
}

/// The state to restore tag checks from: none, because no accesses are checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TagChecks;

impl TagChecks {
    #[inline]
    pub(crate) const fn off() -> Self {
        Self
    }

    #[inline]
    pub(crate) const fn restore(self) {}
}
