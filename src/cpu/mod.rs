//! Detects the properties of this CPU that matter for clearing memory.
//!
//! The default [`Tuning`](crate::Tuning) depends on nothing but [`Facts`]. For the facts of another
//! CPU, [`Tuning::for_cpu`](crate::Tuning::for_cpu) returns that CPU's default tuning.

pub(crate) mod declared;
mod facts;
mod feature;
mod microcode;

pub use facts::{Facts, Vendor};
pub use feature::{Feature, Features};
pub use microcode::microcode;

use core::fmt;

/// A feature bit and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flag {
    /// The feature.
    pub feature: Feature,
    /// Whether programs can use the feature. A hypervisor may mask it; vector features also need
    /// support by the operating system.
    pub set: bool,
    /// The register or interface that reports the bit.
    pub source: &'static str,
}

/// Sizes in bytes of a CPU's data caches; 0 if the cache does not exist or is not reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caches {
    /// First level, data or unified.
    pub l1d: usize,
    /// Second level.
    pub l2: usize,
    /// Third level: the total size, even if CPUs share it.
    pub l3: usize,
}

/// An instruction set architecture that has dedicated primitives, or [`Isa::Other`].
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
    /// 32-bit WebAssembly.
    Wasm32,
    /// 32-bit x86.
    X86,
    /// 64-bit x86.
    X86_64,
    /// Any other ISA: falls back to word stores.
    Other,
}

impl Isa {
    /// Every ISA.
    pub const ALL: [Self; 10] = [
        Self::Aarch64,
        Self::Arm,
        Self::Loongarch64,
        Self::Powerpc64,
        Self::Riscv64,
        Self::S390x,
        Self::Wasm32,
        Self::X86,
        Self::X86_64,
        Self::Other,
    ];

    /// The ISA that this crate was built for.
    pub const BUILT_FOR: Self = Self::of_target(env!("CLEARPAGE_ARCH"));

    /// Returns the name, as in [`std::env::consts::ARCH`](https://doc.rust-lang.org/std/env/consts/constant.ARCH.html);
    /// `other` for [`Isa::Other`].
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aarch64 => "aarch64",
            Self::Arm => "arm",
            Self::Loongarch64 => "loongarch64",
            Self::Powerpc64 => "powerpc64",
            Self::Riscv64 => "riscv64",
            Self::S390x => "s390x",
            Self::Wasm32 => "wasm32",
            Self::X86 => "x86",
            Self::X86_64 => "x86_64",
            Self::Other => "other",
        }
    }

    /// Returns the ISA of targets whose `target_arch` is `arch`.
    pub const fn of_target(arch: &str) -> Self {
        let mut i = 0;
        while i < Self::ALL.len() {
            if same(Self::ALL[i].name().as_bytes(), arch.as_bytes()) {
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

/// Returns the feature bits of this ISA on which the choice of a primitive depends.
pub fn flags() -> impl Iterator<Item = Flag> {
    crate::arch::flags()
}

/// Returns the data cache sizes of this CPU: those of [`init_with`](crate::init_with), or as detected.
pub fn caches() -> Caches {
    declared::caches().unwrap_or_else(crate::arch::caches)
}

/// Compares two strings; `==` cannot be called in a constant.
pub(crate) const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut i = 0;
    while i < a.len() && i < b.len() && a[i] == b[i] {
        i += 1;
    }
    i == a.len() && i == b.len()
}
