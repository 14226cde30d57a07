//! Handles pointer and memory tags on targets without them.

/// Returns `address` unchanged, because there are no tags to strip.
#[inline]
pub(crate) const fn untag(address: usize) -> usize {
    address
}

/// Returns `address` unchanged, because it cannot hold a memory tag.
#[inline]
pub(crate) const fn set_tag(address: usize, _tag: u8) -> usize {
    address
}

/// The state to restore tag checks from: none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TagChecks;

impl TagChecks {
    /// Does nothing, because no accesses are checked.
    #[inline]
    pub(crate) const fn off() -> Self {
        Self
    }

    /// Does nothing, as above.
    #[inline]
    pub(crate) const fn restore(self) {}
}
