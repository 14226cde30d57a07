//! How the caller intends to use the memory.

/// How soon the memory will be used after it is cleared: decides whether it goes into the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Intent {
    /// Unknown: keep the range in the cache unless it is too large to fit.
    #[default]
    Auto,
    /// Soon: keep the range in the cache, as far as it fits.
    Hot,
    /// Not soon: bypass the cache, which keeps its other contents.
    Cold,
}

impl Intent {
    /// Every intent, in the order of the discriminants.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Hot, Self::Cold];

    /// Returns the name: `auto`, `hot` or `cold`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Hot => "hot",
            Self::Cold => "cold",
        }
    }
}
