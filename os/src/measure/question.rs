//! What is measured.

use clearpage::Intent;

/// The state of memory before a clear, and its use afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Case {
    /// The memory is not cached, nor used afterwards. [`Intent::Cold`] is judged by this case.
    Cold,
    /// The memory is not cached. After the clear every line is read and written. [`Intent::Hot`] is
    /// judged by this case and by `Reuse`.
    Use,
    /// The memory is cached as far as it fits. After the clear every line is read and written.
    Reuse,
}

impl Case {
    /// Returns the cases that an intent is judged by: all for `Auto`, since any may occur.
    pub(super) const fn of(intent: Intent) -> &'static [Self] {
        match intent {
            Intent::Cold => &[Self::Cold],
            Intent::Hot => &[Self::Use, Self::Reuse],
            Intent::Auto => &[Self::Cold, Self::Use, Self::Reuse],
        }
    }

    /// Returns `cold`, `use` or `reuse`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Use => "use",
            Self::Reuse => "reuse",
        }
    }
}

/// A question to measure: which primitive is fastest for this case and length?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Question {
    /// State and use of the memory.
    pub case: Case,
    /// Bytes per call, a power of two.
    pub len: usize,
}

#[cfg(test)]
mod tests {
    use super::Case;

    #[test]
    fn cases_have_their_names() {
        assert_eq!([Case::Cold, Case::Use, Case::Reuse].map(Case::name), ["cold", "use", "reuse"]);
    }
}
