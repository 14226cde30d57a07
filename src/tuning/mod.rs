//! Tunings: for each intent, the primitives and the lengths from which they are used.
//!
//! A tuning has a row for every intent and bit length, as the plan does: it can express any choice,
//! installing one copies it, and its text lists the lengths at which a row changes.

mod text;

pub use text::TuningError;

use core::fmt;

use crate::arch;
use crate::cpu::{Facts, Isa};
use crate::intent::Intent;
use crate::primitive::{AvailablePrimitive, Position, Primitive};

/// The number of classes of lengths. Lengths of a class have the same highest bit (class 13: 4 KiB
/// to 8 KiB - 1) and one primitive, so thresholds are powers of two.
pub(crate) const CLASSES: usize = usize::BITS as usize + 1;

pub(crate) const fn class(len: usize) -> usize {
    (usize::BITS - len.leading_zeros()) as usize
}

pub(crate) const fn shortest(class: usize) -> usize {
    if class == 0 { 0 } else { 1 << (class - 1) }
}

/// The row for each class of lengths, for one intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ladder([Position; CLASSES]);

impl Ladder {
    #[inline(never)] // kernels care about the size
    pub(crate) const fn new(first: &'static Primitive) -> Self {
        Self([Position::of(first); CLASSES])
    }

    /// Uses `primitive` from `from` bytes upwards, rounded up to a power of two.
    #[inline(never)] // as above
    pub(crate) fn then(mut self, from: usize, primitive: &'static Primitive) -> Self {
        let taken = (0..CLASSES).filter(|&class| shortest(class) >= from);
        taken.for_each(|class| self.0[class] = Position::of(primitive));
        self
    }
}

/// The choice of a primitive for every intent and length.
///
/// [`Tuning::for_cpu`] derives one from the facts of a CPU, and [`Tuning::install`] makes one the
/// plan. `clearpage_os::measure` measures one. `Display` and `FromStr` save and load it as text. With
/// `std`, the environment variable `CLEARPAGE_TUNING` names a file with that text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning([Ladder; Intent::ALL.len()]);

impl Tuning {
    /// Returns the default tuning of any CPU with these facts.
    ///
    /// The result depends on `facts` alone. If the tuning of another CPU names primitives that this
    /// CPU cannot run, [`install`](Self::install) returns an error.
    pub fn for_cpu(facts: &Facts) -> Result<Self, WrongIsa> {
        if facts.isa == Isa::BUILT_FOR { Ok(arch::tuning(facts)) } else { Err(WrongIsa(facts.isa)) }
    }

    /// Creates a tuning that uses one primitive for every intent and length.
    pub const fn uniform(primitive: &'static Primitive) -> Self {
        Self::of(Ladder::new(primitive), Ladder::new(primitive), Ladder::new(primitive))
    }

    pub(crate) const fn of(auto: Ladder, hot: Ladder, cold: Ladder) -> Self {
        Self([auto, hot, cold])
    }

    /// Uses `primitive` for `intent` from `from` bytes upwards, rounded up to a power of two.
    #[must_use]
    pub fn with_step(mut self, intent: Intent, from: usize, primitive: &'static Primitive) -> Self {
        let ladder = &mut self.0[intent as usize];
        *ladder = ladder.then(from, primitive);
        self
    }

    /// Returns the steps of an intent, from length 0 upwards: the first length of each step in
    /// bytes, and its primitive.
    pub fn steps(&self, intent: Intent) -> impl Iterator<Item = (usize, &'static Primitive)> {
        let rows = self.0[intent as usize].0;
        let crossings = (0..CLASSES).filter(move |&c| c == 0 || rows[c] != rows[c - 1]);
        crossings.map(move |class| (shortest(class), rows[class].row()))
    }

    /// Returns the primitive for an intent, as a number, and a class.
    #[inline]
    pub(crate) fn row(&self, intent: usize, class: usize) -> &'static Primitive {
        self.0[intent].0[class].row()
    }

    /// Returns the primitive of this tuning for `len` bytes under `intent`.
    pub fn choose(&self, intent: Intent, len: usize) -> &'static Primitive {
        self.row(intent as usize, class(len))
    }
}

/// The facts are of another ISA than that of this build, which lacks the primitives of that ISA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongIsa(pub Isa);

impl fmt::Display for WrongIsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the facts are of {}, this build is for {}", self.0, Isa::BUILT_FOR)
    }
}

impl core::error::Error for WrongIsa {}

/// Returns the primitives that are worth comparing on this CPU: of each mechanism (vector stores,
/// string instruction, non-temporal stores, block instruction) the widest that it can run.
pub fn candidates() -> impl Iterator<Item = AvailablePrimitive> {
    let usable = |rows: &&[Row]| rows.iter().flatten().find_map(|row| row.available().ok());
    arch::MECHANISMS.iter().filter_map(usable)
}

/// A row of this build, for the tables in `arch/`: `const STOSB: Row = named("stosb")`.
pub(crate) type Row = Option<&'static Primitive>;

#[allow(dead_code, reason = "some ISAs have little to choose")]
impl Facts {
    /// Returns `row`, if a CPU with these facts can run it.
    pub(crate) fn usable(&self, row: Row) -> Row {
        row.filter(|row| row.needs().is_none_or(|feature| self.has(feature)))
    }
}
