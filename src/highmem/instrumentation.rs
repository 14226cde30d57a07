//! Disables memory checkers while memory is initialised.
//!
//! A page's owner may have marked parts of it as out of bounds: redzones of KASAN and ASan, or MTE
//! tags. Clearing the page overwrites these parts on purpose. An instrumented memset, which checks
//! every byte, would report an overflow; so would the hardware if a tag differs from the pointer's.
//! So Linux's page allocator calls `kasan_disable_current` for the clear: s390 clears by memset.
//!
//! The compiler cannot instrument this crate's primitives because they are asm. To catch overflows,
//! every call in a build with ASan checks its whole range. While initialising memory for another
//! owner, hold an [`Unchecked`] of [`AddressSanitizer`], [`TagChecks`] or a custom checker.
//!
//! [`TagChecks`]: super::tag::TagChecks
//! [`AddressSanitizer`]: super::AddressSanitizer

use core::marker::PhantomData;

#[cfg(all(clearpage_asan, feature = "std"))]
use crate::sanitizer;

/// A memory checker that can be disabled for the current thread.
///
/// Soundness does not depend on implementations: one that stays enabled reports a false positive.
pub trait Instrumentation {
    /// The state that undoes one [`disable_current`](Self::disable_current), or `()` if the checker
    /// counts the nesting per thread.
    type State;

    /// Disables checks of the current thread, one level deeper.
    #[doc(alias = "kasan_disable_current")]
    fn disable_current(&self) -> Self::State;

    /// Undoes the call of `disable_current` that returned `state`, which is the last one not yet
    /// undone.
    #[doc(alias = "kasan_enable_current")]
    fn enable_current(&self, state: Self::State);
}

/// No checker: does nothing, at no cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct NotInstrumented;

impl Instrumentation for NotInstrumented {
    type State = ();

    #[inline]
    fn disable_current(&self) {}

    #[inline]
    fn enable_current(&self, (): ()) {}
}

/// Disables the ASan checks of this crate's calls in a build with `-Zsanitizer=address`; does
/// nothing in others. Checks that the compiler inserts itself stay enabled.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, Default)]
pub struct AddressSanitizer;

#[cfg(feature = "std")]
impl Instrumentation for AddressSanitizer {
    type State = ();

    #[inline]
    fn disable_current(&self) {
        #[cfg(clearpage_asan)]
        sanitizer::UNCHECKED.set(sanitizer::UNCHECKED.get() + 1);
    }

    #[inline]
    fn enable_current(&self, (): ()) {
        #[cfg(clearpage_asan)]
        sanitizer::UNCHECKED.set(sanitizer::UNCHECKED.get() - 1);
    }
}

/// A guard that disables a checker for the current thread until it is dropped, by a panic too.
/// Guards nest: the last one created is dropped first. A guard cannot leave its thread.
///
/// ```
/// use clearpage::highmem::{NotInstrumented, Unchecked};
///
/// let unchecked = Unchecked::new(&NotInstrumented);
/// // ... initialise memory ...
/// drop(unchecked);
/// ```
///
/// ```compile_fail,E0277
/// use clearpage::highmem::{NotInstrumented, Unchecked};
///
/// let unchecked = Unchecked::new(&NotInstrumented);
/// std::thread::scope(|s| s.spawn(move || drop(unchecked)).join()).unwrap();
/// ```
#[must_use = "checks are off only as long as it is held"]
pub struct Unchecked<'a, I: Instrumentation + ?Sized> {
    checker: &'a I,
    /// `None` only during the drop.
    state: Option<I::State>,
    /// Makes the guard neither `Send` nor `Sync`.
    stays: PhantomData<*const ()>,
}

impl<'a, I: Instrumentation + ?Sized> Unchecked<'a, I> {
    /// Disables `checker` for the current thread.
    pub fn new(checker: &'a I) -> Self {
        Self { checker, state: Some(checker.disable_current()), stays: PhantomData }
    }
}

impl<I: Instrumentation + ?Sized> Drop for Unchecked<'_, I> {
    fn drop(&mut self) {
        if let Some(state) = self.state.take() {
            self.checker.enable_current(state);
        }
    }
}
