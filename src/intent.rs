//! What the caller is about to do with the memory.

/// What will happen to the memory after it is cleared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Intent {
    /// Not known. Small ranges are kept in the cache, ranges that would not fit are not.
    #[default]
    Auto,
    /// It will be touched soon: keep it in the cache as far as it fits.
    Hot,
    /// It will not be touched soon: leave the cache to others.
    Cold,
}

impl Intent {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Hot, Self::Cold];

    /// `auto`, `hot` or `cold`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Hot => "hot",
            Self::Cold => "cold",
        }
    }
}
