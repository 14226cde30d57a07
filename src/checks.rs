//! Memory checkers: the check of every clear, and guards that disable checkers.
//!
//! A page's owner may have marked parts of it as out of bounds: redzones of KASAN and ASan, or MTE
//! tags. Clearing the page overwrites these parts on purpose. An instrumented memset, which checks
//! every byte, would report an overflow; so would the hardware if a tag differs from the pointer's.
//! So Linux's page allocator calls `kasan_disable_current` for the clear since commit 9e15afa5a87a
//! (2020): on s390 `clear_page` is a memset, and KASAN reported the redzones of freed blocks.
//!
//! The compiler cannot instrument this crate's primitives because they are asm. To catch overflows,
//! every call in a build with ASan checks its whole range by [`check_write`]. While initialising
//! memory for another owner, hold a [`ChecksDisabled`] of `AddressSanitizer`,
//! [`TagChecks`](crate::highmem::tag::TagChecks) or a custom checker.

use core::marker::PhantomData;

/// Whether this build checks clears with AddressSanitizer (`-Zsanitizer=address`).
pub const ADDRESS_SANITIZER: bool = cfg!(clearpage_asan);

#[cfg(all(clearpage_asan, feature = "std"))]
std::thread_local! {
    /// The number of guards of [`AddressSanitizer`] that this thread holds.
    static DISABLED: core::cell::Cell<usize> = const { core::cell::Cell::new(0) };
}

/// Reports a write to a poisoned byte of the range and ends the process, as an instrumented memset
/// would. Does nothing in builds without AddressSanitizer, or while this thread holds its guard.
///
/// Every clear of this crate calls it. Call it before zeroing memory by other means, such as a
/// system call.
#[inline(always)]
pub fn check_write(ptr: *mut u8, len: usize) {
    #[cfg(clearpage_asan)]
    if len > 0 && !is_disabled() {
        unsafe extern "C" {
            /// Provided by the compiler's runtime.
            safe fn __asan_storeN(address: usize, len: usize);
        }
        __asan_storeN(crate::arch::tags::untag(ptr.addr()), len);
    }
    #[cfg(not(clearpage_asan))]
    let _ = (ptr, len);
}

/// Returns whether this thread holds a guard of `AddressSanitizer`. Pass it on to threads that
/// clear memory for this one.
#[inline]
pub fn is_disabled() -> bool {
    #[cfg(all(clearpage_asan, feature = "std"))]
    return DISABLED.get() > 0;
    #[cfg(not(all(clearpage_asan, feature = "std")))]
    false
}

/// A memory checker that can be disabled for the current thread.
///
/// Soundness does not depend on implementations: one that stays enabled reports a false positive.
pub trait Checker {
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
pub struct NoChecker;

impl Checker for NoChecker {
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
impl Checker for AddressSanitizer {
    type State = ();

    #[inline]
    fn disable_current(&self) {
        #[cfg(clearpage_asan)]
        DISABLED.set(DISABLED.get() + 1);
    }

    #[inline]
    fn enable_current(&self, (): ()) {
        #[cfg(clearpage_asan)]
        DISABLED.set(DISABLED.get() - 1);
    }
}

/// A guard that disables a checker for the current thread until it is dropped, by a panic too.
/// Guards nest: the last one created is dropped first. A guard cannot leave its thread.
///
/// ```compile_fail,E0277
/// use clearpage::checks::{NoChecker, ChecksDisabled};
///
/// let unchecked = ChecksDisabled::new(&NoChecker);
/// std::thread::scope(|s| s.spawn(move || drop(unchecked)).join()).unwrap();
/// ```
#[must_use = "checks are off only as long as it is held"]
pub struct ChecksDisabled<'a, I: Checker + ?Sized> {
    checker: &'a I,
    /// `None` only during the drop.
    state: Option<I::State>,
    /// Makes the guard neither `Send` nor `Sync`.
    stays: PhantomData<*const ()>,
}

impl<'a, I: Checker + ?Sized> ChecksDisabled<'a, I> {
    /// Disables `checker` for the current thread.
    pub fn new(checker: &'a I) -> Self {
        Self { checker, state: Some(checker.disable_current()), stays: PhantomData }
    }
}

impl<I: Checker + ?Sized> Drop for ChecksDisabled<'_, I> {
    fn drop(&mut self) {
        if let Some(state) = self.state.take() {
            self.checker.enable_current(state);
        }
    }
}
