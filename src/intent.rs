//! What the caller is about to do with the memory, and which primitive serves that best.

use crate::primitive::{Available, Primitive};

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

/// Data caches of one CPU in bytes, 0 where there is none or the CPU does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caches {
    /// First level, data or unified.
    pub l1d: usize,
    /// Second level.
    pub l2: usize,
    /// Third level, all of it, however many CPUs share it.
    pub l3: usize,
}

/// Which primitive serves which length, for one intent: each step serves from its length up to
/// the next one's. The first starts at 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ladder {
    steps: [Option<(usize, Available)>; Self::STEPS],
}

impl Ladder {
    const STEPS: usize = 6;

    /// `first` for every length, until steps are added.
    pub(crate) const fn new(first: Available) -> Self {
        let mut steps = [None; Self::STEPS];
        steps[0] = Some((0, first));
        Self { steps }
    }

    /// From `from` bytes on, `primitive` serves instead: whatever stood at or above `from` is
    /// replaced. Panics past the sixth step: the ISA's own tuning is at fault.
    #[allow(dead_code, reason = "on some ISAs one primitive serves every length")]
    pub(crate) const fn then(mut self, from: usize, primitive: Available) -> Self {
        let mut i = 0;
        while i < Self::STEPS {
            match self.steps[i] {
                Some((at, _)) if at < from => i += 1,
                _ => break,
            }
        }
        self.steps[i] = Some((from, primitive));
        i += 1;
        while i < Self::STEPS {
            self.steps[i] = None;
            i += 1;
        }
        self
    }

    /// The primitive that serves `len` bytes.
    pub(crate) fn choose(&self, len: usize) -> Available {
        let serving = self.steps.iter().flatten().take_while(|s| s.0 <= len);
        serving.last().expect("the first step starts at 0").1
    }
}

/// The crossings of one CPU: a ladder for each intent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tuning {
    pub(crate) auto: Ladder,
    pub(crate) hot: Ladder,
    pub(crate) cold: Ladder,
}

impl Tuning {
    /// One primitive for everything.
    pub(crate) const fn only(primitive: Available) -> Self {
        let ladder = Ladder::new(primitive);
        Self { auto: ladder, hot: ladder, cold: ladder }
    }

    /// The primitive that serves `len` bytes under `intent`.
    pub(crate) fn choose(&self, intent: Intent, len: usize) -> &'static Primitive {
        let ladder = match intent {
            Intent::Auto => &self.auto,
            Intent::Hot => &self.hot,
            Intent::Cold => &self.cold,
        };
        ladder.choose(len).primitive()
    }
}
