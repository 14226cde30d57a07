//! The crossings: which primitive serves which length, for each intent.

use crate::arch;
use crate::dispatch;
use crate::intent::Intent;
use crate::primitive::Available;

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

/// Who serves which length, for one intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ladder([Available; CLASSES]);

impl Ladder {
    /// `first` for every length, until another takes over.
    pub(crate) const fn new(first: Available) -> Self {
        Self([first; CLASSES])
    }

    /// From `from` bytes on, rounded up to a power of two, `primitive` serves instead.
    pub(crate) fn then(mut self, from: usize, primitive: Available) -> Self {
        let taken = (0..CLASSES).filter(|&class| shortest(class) >= from);
        taken.for_each(|class| self.0[class] = primitive);
        self
    }
}

/// Which primitive serves which length under which intent, on one CPU.
///
/// [`Tuning::detect`] makes one from feature bits and cache sizes, [`Tuning::measure`] by trying;
/// [`Tuning::install`] puts it to work. It is saved and loaded as text, by its `Display` and
/// `FromStr`, and under `std` the environment variable `CLEARPAGE_TUNING` names a file with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    pub(crate) auto: Ladder,
    pub(crate) hot: Ladder,
    pub(crate) cold: Ladder,
}

impl Tuning {
    /// What suits a CPU with these feature bits and cache sizes: the plan of a program that does
    /// nothing about it. The crossings come from measurements of the CPUs that were at hand and
    /// from what makers write of the others.
    pub fn detect() -> Self {
        arch::tuning()
    }

    /// One primitive for everything, to begin with.
    pub const fn only(primitive: Available) -> Self {
        let ladder = Ladder::new(primitive);
        Self { auto: ladder, hot: ladder, cold: ladder }
    }

    /// From `from` bytes on, rounded up to a power of two, `primitive` serves `intent`.
    #[must_use]
    pub fn then(mut self, intent: Intent, from: usize, primitive: Available) -> Self {
        let ladder = self.ladder_mut(intent);
        *ladder = ladder.then(from, primitive);
        self
    }

    /// The steps of an intent: from how many bytes on who serves. The first is from 0.
    pub fn steps(&self, intent: Intent) -> impl Iterator<Item = (usize, Available)> {
        let rows = self.ladder(intent).0;
        let crossings = (0..CLASSES).filter(move |&c| c == 0 || rows[c] != rows[c - 1]);
        crossings.map(move |class| (shortest(class), rows[class]))
    }

    /// Makes this the plan, on all threads. Ends a [`force`](crate::force); a build for one
    /// primitive (`--cfg clearpage_force`) stays as it is.
    pub fn install(&self) {
        dispatch::replace(self);
    }

    /// The primitive that serves `len` bytes under `intent`.
    pub(crate) fn choose(&self, intent: Intent, len: usize) -> Available {
        self.ladder(intent).0[class(len)]
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

/// What the tests of every ISA's choice share.
#[cfg(test)]
#[allow(dead_code, reason = "some ISAs have little to choose")]
pub(crate) mod testing {
    use super::*;
    use crate::primitive::find;

    /// The named rows of this build, as if the CPU had those and no others. For plans that are
    /// read, not used.
    pub(crate) fn cpu_with(has: &[&str]) -> impl Fn(&str) -> Option<Available> {
        move |name| {
            // SAFETY: nothing is cleared by it.
            let row = |row| unsafe { Available::new_unchecked(row) };
            has.contains(&name).then(|| find(name)).flatten().map(row)
        }
    }

    /// Who serves from how many bytes on, under one intent.
    pub(crate) fn steps(tuning: &Tuning, intent: Intent) -> Vec<(&'static str, usize)> {
        tuning.steps(intent).map(|(from, row)| (row.name(), from)).collect()
    }
}
