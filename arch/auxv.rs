//! What the kernel tells a program of its CPU: the auxiliary vector, getauxval(3).

/// The entry `kind`; 0 where there is none, and where nobody can be asked: without `std`, or on
/// another system than Linux.
pub(super) fn auxv(kind: usize) -> usize {
    #[cfg(all(feature = "std", any(target_os = "linux", target_os = "android")))]
    {
        unsafe extern "C" {
            // The C library that `std` links. `unsigned long` is a `usize` on every Linux.
            fn getauxval(kind: usize) -> usize;
        }
        // SAFETY: it reads memory that nobody writes, and knows every `kind`.
        unsafe { getauxval(kind) }
    }
    #[cfg(not(all(feature = "std", any(target_os = "linux", target_os = "android"))))]
    {
        let _ = kind;
        0
    }
}
