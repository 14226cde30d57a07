//! The ISA: boot, page-table entries, exceptions, a timer, a console and the power switch. Each file
//! defines the same items.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "riscv64")]
mod riscv64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "aarch64")]
pub use aarch64::*;
#[cfg(target_arch = "riscv64")]
pub use riscv64::*;
#[cfg(target_arch = "x86_64")]
pub use x86_64::*;

/// Ends QEMU, with status 0 or 33.
#[cfg(not(target_arch = "x86_64"))]
pub fn exit(success: bool) -> ! {
    semihosting::process::exit(if success { 0 } else { 33 })
}
