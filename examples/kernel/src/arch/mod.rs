//! The ISA: boot, page-table entries, exceptions, a timer, a console and the power switch. Each file
//! defines the same items.

#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "x86_64")]
pub use x86_64::*;
