//! Checkers that must look away while memory is initialised.
//!
//! A page's owner may have marked parts of it as out of bounds: KASAN's and ASan's redzones, the tags
//! of MTE. Clearing the page overwrites these parts on purpose. An instrumented memset, which asks
//! the checker about every byte, would report that as an overflow; so would the hardware, for a tag
//! that is not the pointer's. So Linux has `kasan_disable_current` around the clearing in its page
//! allocator, because s390 clears by memset.
//!
//! So with this crate: its primitives are asm, into which no compiler puts checks, but in a build
//! with ASan every call asks for its whole range, or an overflow would go unseen. Who initialises
//! memory for somebody else holds an [`Unchecked`] of [`AddressSanitizer`]; of [`TagChecks`] where
//! MTE checks; or of a checker of one's own.
//!
//! [`TagChecks`]: super::tag::TagChecks
//! [`AddressSanitizer`]: super::AddressSanitizer

use core::marker::PhantomData;

#[cfg(all(clearpage_asan, feature = "std"))]
use crate::sanitizer;

/// A checker that can be told to look away from what the current thread does.
///
/// Implementations promise nothing that safety rests on: a checker that looks anyway reports.
pub trait Instrumentation {
    /// What must be known to undo one [`disable_current`](Self::disable_current). `()` where a
    /// thread counts how deep it is.
    type State;

    /// No more checks of the current thread, one level deeper.
    #[doc(alias = "kasan_disable_current")]
    fn disable_current(&self) -> Self::State;

    /// Back to what was before the call that gave `state`, which is the last one that was not
    /// undone yet.
    #[doc(alias = "kasan_enable_current")]
    fn enable_current(&self, state: Self::State);
}

/// Nobody checks.
#[derive(Clone, Copy, Debug, Default)]
pub struct NotInstrumented;

impl Instrumentation for NotInstrumented {
    type State = ();

    #[inline]
    fn disable_current(&self) {}

    #[inline]
    fn enable_current(&self, (): ()) {}
}

/// ASan's checks of the calls of this crate, in a build with `-Zsanitizer=address`; in others it does
/// nothing. What the compiler instruments itself cannot be told to look away.
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

/// While it is held, the current thread is not checked; also when it is dropped by a panic. Guards
/// nest, the last one made is dropped first, and none leaves its thread.
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
    /// `None` only while it is dropped.
    state: Option<I::State>,
    /// Of this thread.
    stays: PhantomData<*const ()>,
}

impl<'a, I: Instrumentation + ?Sized> Unchecked<'a, I> {
    /// Has `checker` look away.
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
