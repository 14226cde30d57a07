//! What this CPU says of itself, as far as clearing memory is concerned.

/// One feature bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Its name, as Linux prints it in `/proc/cpuinfo`.
    pub name: &'static str,
    /// Whether it is set. A hypervisor may hide what the CPU has.
    pub set: bool,
    /// Where it is read.
    pub source: &'static str,
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

/// The feature bits that the choice of a primitive depends on; none where the ISA has none.
pub fn flags() -> impl Iterator<Item = Flag> {
    crate::arch::flags()
}

/// The data caches of the CPU this runs on.
pub fn caches() -> Caches {
    crate::arch::caches()
}
