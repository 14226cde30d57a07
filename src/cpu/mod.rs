//! What this CPU says of itself, as far as clearing memory is concerned.
//!
//! [`Facts`] is all that the default [`Tuning`](crate::Tuning) is made from. The facts of another
//! CPU can be written down, and [`Tuning::for_cpu`](crate::Tuning::for_cpu) gives the tuning that
//! that CPU would have.

mod facts;
mod feature;
mod microcode;

pub use facts::{Facts, Vendor};
pub use feature::{Feature, Features};
pub use microcode::microcode;

use core::fmt;

/// One feature bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The feature.
    pub feature: Feature,
    /// Whether programs can use it. A hypervisor may hide what the CPU has; vector registers need
    /// the operating system too.
    pub set: bool,
    /// Where it is read.
    pub source: &'static str,
}

/// Data caches of one CPU in bytes, 0 if there is none or the CPU does not report it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caches {
    /// First level, data or unified.
    pub l1d: usize,
    /// Second level.
    pub l2: usize,
    /// Third level, all of it, however many CPUs share it.
    pub l3: usize,
}

/// Instruction set architectures that have primitives of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Isa {
    /// 64-bit Arm.
    Aarch64,
    /// 32-bit Arm.
    Arm,
    /// 64-bit LoongArch.
    Loongarch64,
    /// 64-bit PowerPC, either endian.
    Powerpc64,
    /// 64-bit RISC-V.
    Riscv64,
    /// 64-bit IBM Z.
    S390x,
    /// 32-bit x86.
    X86,
    /// 64-bit x86.
    X86_64,
    /// Any other: word stores only.
    Other,
}

impl Isa {
    /// Every ISA.
    pub const ALL: [Self; 9] = [
        Self::Aarch64,
        Self::Arm,
        Self::Loongarch64,
        Self::Powerpc64,
        Self::Riscv64,
        Self::S390x,
        Self::X86,
        Self::X86_64,
        Self::Other,
    ];

    /// The ISA that this crate was built for.
    pub const BUILT_FOR: Self = Self::of_target(env!("CLEARPAGE_ARCH"));

    /// The name, as in [`std::env::consts::ARCH`](https://doc.rust-lang.org/std/env/consts/constant.ARCH.html);
    /// `other` for all that have no primitives of their own.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aarch64 => "aarch64",
            Self::Arm => "arm",
            Self::Loongarch64 => "loongarch64",
            Self::Powerpc64 => "powerpc64",
            Self::Riscv64 => "riscv64",
            Self::S390x => "s390x",
            Self::X86 => "x86",
            Self::X86_64 => "x86_64",
            Self::Other => "other",
        }
    }

    /// The ISA of a target whose `target_arch` is `arch`.
    pub const fn of_target(arch: &str) -> Self {
        let mut i = 0;
        while i < Self::ALL.len() {
            if crate::built_for::same(Self::ALL[i].name().as_bytes(), arch.as_bytes()) {
                return Self::ALL[i];
            }
            i += 1;
        }
        Self::Other
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The feature bits that the choice of a primitive depends on; none if the ISA has none.
pub fn flags() -> impl Iterator<Item = Flag> {
    crate::arch::flags()
}

/// The data caches of the CPU this runs on.
pub fn caches() -> Caches {
    crate::arch::caches()
}
