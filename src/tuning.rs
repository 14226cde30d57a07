//! The thresholds: which primitive serves which length, for each intent.

use core::fmt;

use crate::arch;
use crate::cpu::{Facts, Isa};
use crate::dispatch::{self, ForceError};
use crate::intent::Intent;
use crate::primitive::{Available, Primitive, find};

/// Lengths of one class have the same highest bit: class 13 is 4 KiB up to 8 KiB - 1. One
/// primitive serves a class, so crossings lie at powers of two.
pub(crate) const CLASSES: usize = usize::BITS as usize + 1;

pub(crate) const fn class(len: usize) -> usize {
    (usize::BITS - len.leading_zeros()) as usize
}

/// The smallest length of a class.
pub(crate) const fn shortest(class: usize) -> usize {
    if class == 0 { 0 } else { 1 << (class - 1) }
}

/// The row that serves each class of lengths, for one intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ladder([&'static Primitive; CLASSES]);

impl Ladder {
    /// `first` for every length, until another takes over.
    pub(crate) const fn new(first: &'static Primitive) -> Self {
        Self([first; CLASSES])
    }

    /// From `from` bytes on, rounded up to a power of two, `primitive` serves instead.
    pub(crate) fn then(mut self, from: usize, primitive: &'static Primitive) -> Self {
        let taken = (0..CLASSES).filter(|&class| shortest(class) >= from);
        taken.for_each(|class| self.0[class] = primitive);
        self
    }
}

/// Which primitive serves which length under which intent.
///
/// [`Tuning::for_cpu`] makes one from the facts of a CPU, [`Tuning::measure`] by measuring;
/// [`Tuning::install`] puts it to work. It is saved and loaded as text, by its `Display` and
/// `FromStr`, and under `std` the environment variable `CLEARPAGE_TUNING` names a file with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    pub(crate) auto: Ladder,
    pub(crate) hot: Ladder,
    pub(crate) cold: Ladder,
}

impl Tuning {
    /// The default tuning of the CPU this runs on: [`for_cpu`](Self::for_cpu) of
    /// [`Facts::detect`].
    pub fn detect() -> Self {
        arch::tuning(&Facts::detect())
    }

    /// The default tuning of a CPU with these facts, which need not be this one.
    ///
    /// It is a pure function: it reads nothing but `facts`. The tuning of another CPU may name
    /// primitives that this one lacks; [`install`](Self::install) refuses it then.
    ///
    /// # Errors
    /// The facts are of another ISA than this build.
    pub fn for_cpu(facts: &Facts) -> Result<Self, WrongIsa> {
        if facts.isa == Isa::BUILT_FOR { Ok(arch::tuning(facts)) } else { Err(WrongIsa(facts.isa)) }
    }

    /// One primitive for everything.
    pub const fn only(primitive: &'static Primitive) -> Self {
        let ladder = Ladder::new(primitive);
        Self { auto: ladder, hot: ladder, cold: ladder }
    }

    /// Lets `primitive` serve `intent` from `from` bytes on, rounded up to a power of two.
    #[must_use]
    pub fn then(mut self, intent: Intent, from: usize, primitive: &'static Primitive) -> Self {
        let ladder = self.ladder_mut(intent);
        *ladder = ladder.then(from, primitive);
        self
    }

    /// Returns the steps of an intent: the first length in bytes, and the primitive that serves
    /// from there on. The first step is from 0.
    pub fn steps(&self, intent: Intent) -> impl Iterator<Item = (usize, &'static Primitive)> {
        let rows = self.ladder(intent).0;
        let crossings = (0..CLASSES).filter(move |&c| c == 0 || rows[c] != rows[c - 1]);
        crossings.map(move |class| (shortest(class), rows[class]))
    }

    /// Returns the primitive that serves `len` bytes under `intent`.
    pub fn choose(&self, intent: Intent, len: usize) -> &'static Primitive {
        self.ladder(intent).0[class(len)]
    }

    /// Makes this the plan, on all threads. Ends a [`force`](crate::force); a build for one
    /// primitive (`--cfg clearpage_force`) stays as it is.
    ///
    /// # Errors
    /// The tuning names a primitive that this CPU lacks, or one that sets memory tags
    /// ([`Primitive::sets_tags`]); the plan is then unchanged.
    pub fn install(&self) -> Result<(), ForceError> {
        dispatch::replace(&self.proven()?);
        Ok(())
    }

    /// This tuning, if this CPU has every primitive that it names, and each may serve any clear.
    pub(crate) fn proven(self) -> Result<Proven, ForceError> {
        for (_, row) in Intent::ALL.into_iter().flat_map(|intent| self.steps(intent)) {
            if row.sets_tags() {
                return Err(ForceError::SetsTags { name: row.name() });
            }
            row.available()
                .map_err(|why| ForceError::Unavailable { name: row.name(), reason: why.reason })?;
        }
        Ok(Proven(self))
    }

    const fn ladder(&self, intent: Intent) -> &Ladder {
        match intent {
            Intent::Auto => &self.auto,
            Intent::Hot => &self.hot,
            Intent::Cold => &self.cold,
        }
    }

    const fn ladder_mut(&mut self, intent: Intent) -> &mut Ladder {
        match intent {
            Intent::Auto => &mut self.auto,
            Intent::Hot => &mut self.hot,
            Intent::Cold => &mut self.cold,
        }
    }
}

/// A tuning whose primitives this CPU has, every one, and none of which sets memory tags.
pub(crate) struct Proven(Tuning);

impl Proven {
    /// The default tuning of this CPU. A row that the facts promise and the CPU lacks would be a
    /// bug in `arch/`: word stores serve instead.
    pub(crate) fn detect() -> Self {
        let tuning = Tuning::detect();
        tuning.proven().unwrap_or_else(|_| Self(Tuning::only(arch::generic())))
    }

    /// The primitive that serves `len` bytes under `intent`.
    pub(crate) fn choose(&self, intent: Intent, len: usize) -> Available {
        // SAFETY: whoever made this value asked for every row.
        unsafe { Available::new_unchecked(self.0.choose(intent, len)) }
    }
}

/// Facts of another ISA than this build: its primitives are not compiled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongIsa(pub Isa);

impl fmt::Display for WrongIsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the facts are of {}, this build is for {}", self.0, Isa::BUILT_FOR)
    }
}

impl core::error::Error for WrongIsa {}

/// The rows of this build that a CPU with these facts has: the part of [`Facts`] that the tables
/// in `arch/` choose from.
#[allow(dead_code, reason = "some ISAs have little to choose")]
impl Facts {
    /// The row called `name`.
    pub(crate) fn row(&self, name: &str) -> Option<&'static Primitive> {
        find(name).filter(|row| row.needs().is_none_or(|feature| self.has(feature)))
    }

    /// The first of `names` that there is; word stores if there is none.
    pub(crate) fn first(&self, names: &[&str]) -> &'static Primitive {
        names.iter().find_map(|name| self.row(name)).unwrap_or_else(arch::generic)
    }
}

/// What the tests of every ISA's table share.
#[cfg(test)]
#[allow(dead_code, reason = "some ISAs have little to choose")]
pub(crate) mod testing {
    use super::*;
    use crate::cpu::{Caches, Feature};

    pub(crate) const KIB: usize = 1 << 10;
    pub(crate) const MIB: usize = 1 << 20;

    /// A CPU of this ISA with these features and caches.
    pub(crate) fn cpu_with(features: &[Feature], [l1d, l2, l3]: [usize; 3]) -> Facts {
        let mut facts = Facts::unknown(Isa::BUILT_FOR);
        facts.features = features.iter().copied().collect();
        facts.caches = Caches { l1d, l2, l3 };
        facts
    }

    /// The primitives of one intent, each with the length in bytes that it serves from.
    pub(crate) fn steps(facts: &Facts, intent: Intent) -> Vec<(&'static str, usize)> {
        let tuning = Tuning::for_cpu(facts).unwrap();
        tuning.steps(intent).map(|(from, row)| (row.name(), from)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_of_another_isa_are_refused() {
        for isa in Isa::ALL {
            let made = Tuning::for_cpu(&Facts::unknown(isa));
            assert_eq!(made.is_ok(), isa == Isa::BUILT_FOR, "{isa}");
            if let Err(error) = made {
                assert_eq!(error, WrongIsa(isa));
                assert!(error.to_string().contains(isa.name()), "{error}");
            }
        }
    }

    /// A CPU that reports nothing gets a plan that every CPU of the ISA can run.
    #[test]
    fn without_facts_no_row_needs_a_feature() {
        let tuning = Tuning::for_cpu(&Facts::unknown(Isa::BUILT_FOR)).unwrap();
        for intent in Intent::ALL {
            assert!(tuning.steps(intent).all(|(_, row)| row.needs().is_none()));
        }
    }

    #[test]
    fn the_facts_of_this_cpu_agree_with_what_is_available() {
        let facts = Facts::detect();
        for row in crate::primitives() {
            let available = row.available();
            assert_eq!(facts.row(row.name()).is_some(), available.is_ok(), "{row:?} {available:?}");
        }
    }

    #[test]
    fn a_primitive_that_sets_memory_tags_is_never_installed() {
        static TAGGING: Primitive = Primitive {
            name: "tagging",
            store: crate::Store::Temporal,
            registers: crate::Registers::General,
            needs: None,
            block: || 16,
            availability: || Ok(()),
            leaf: crate::primitive::Leaf::Tagging(|_, _| unreachable!()),
        };
        for intent in Intent::ALL {
            let tuning = Tuning::detect().then(intent, 1 << 20, &TAGGING);
            assert_eq!(tuning.install(), Err(ForceError::SetsTags { name: "tagging" }));
        }
        for row in crate::primitives().iter().filter(|row| row.sets_tags()) {
            assert!(Tuning::only(row).install().is_err(), "{row:?}");
        }
    }

    #[test]
    fn the_detected_tuning_can_be_installed() {
        let tuning = Tuning::detect();
        for intent in Intent::ALL {
            assert!(tuning.steps(intent).all(|(_, row)| row.available().is_ok()));
        }
    }
}
