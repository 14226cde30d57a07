//! Reads what Apple's systems report about the CPU: sysctlbyname(3).
//!
//! Sources: Apple, "Determining instruction set characteristics" (`hw.optional.arm.*`) and
//! "Determining system capabilities" (`hw.perflevel0.*`); XNU, bsd/kern/kern_mib.c.

use core::ffi::{CStr, c_void};
use core::ptr::null_mut;

use crate::cpu::Caches;

/// Returns a number; 0 if the system does not report it.
pub(super) fn number(name: &CStr) -> usize {
    // The system writes 4 or 8 bytes, little-endian.
    let mut value = 0_u64;
    let mut size = size_of_val(&value);
    let room = (&raw mut value).cast::<c_void>();
    // SAFETY: the name ends with 0, and there is room for `size` bytes.
    let error = unsafe { libc::sysctlbyname(name.as_ptr(), room, &mut size, null_mut(), 0) };
    if error == 0 { value as usize } else { 0 }
}

/// Returns the data cache sizes of the fastest kind of core, or of all if there is one kind. The
/// system-level cache is not reported.
pub(crate) fn caches() -> Caches {
    let first = |names: [&CStr; 2]| match number(names[0]) {
        0 => number(names[1]),
        size => size,
    };
    Caches {
        l1d: first([c"hw.perflevel0.l1dcachesize", c"hw.l1dcachesize"]),
        l2: first([c"hw.perflevel0.l2cachesize", c"hw.l2cachesize"]),
        l3: first([c"hw.perflevel0.l3cachesize", c"hw.l3cachesize"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_have_a_number_and_others_are_0() {
        assert_eq!(number(c"hw.pagesize"), 16384);
        assert_eq!(number(c"hw.optional.arm.no_such_feature"), 0);
        assert!(caches().l1d.is_power_of_two() && caches().l2 > caches().l1d);
    }
}
