//! Contains a folder per ISA: its [`PRIMITIVES`], what is known of the CPU, and which primitive
//! serves which length. Code above this folder knows no instructions.

#[cfg(any(target_arch = "powerpc64", target_arch = "riscv64"))]
#[cfg(not(miri))]
mod asked;
#[cfg(any(
    target_arch = "aarch64",
    target_arch = "arm",
    target_arch = "loongarch64",
    target_arch = "powerpc64",
    target_arch = "riscv64"
))]
#[cfg(not(miri))]
mod auxv;
mod generic;

use crate::cpu::{Facts, Isa};
use crate::primitive::Primitive;

cfg_if::cfg_if! {
    // x32 has 4-byte pointers, which the list loops do not read; Miri runs no asm.
    if #[cfg(all(target_arch = "x86_64", target_pointer_width = "64", not(miri)))] {
        mod cpuid;
        mod x86_64;
        mod x86_tuning;
        pub(crate) use x86_64::{is_short, zero_small};
        use x86_64 as isa;
    } else if #[cfg(all(target_arch = "x86", not(miri)))] {
        mod cpuid;
        mod x86;
        mod x86_tuning;
        pub(crate) use generic::{is_short, zero_small};
        use x86 as isa;
    } else {
        pub(crate) use generic::{is_short, zero_small};

        cfg_if::cfg_if! {
            if #[cfg(all(target_arch = "aarch64", target_pointer_width = "64", not(miri)))] {
                mod aarch64;
                use aarch64 as isa;
            } else if #[cfg(all(target_arch = "arm", not(miri)))] {
                mod arm;
                use arm as isa;
            } else if #[cfg(all(target_arch = "loongarch64", not(miri)))] {
                mod loongarch64;
                use loongarch64 as isa;
            } else if #[cfg(all(target_arch = "powerpc64", not(miri)))] {
                mod powerpc64;
                use powerpc64 as isa;
            } else if #[cfg(all(target_arch = "riscv64", not(miri)))] {
                mod riscv64;
                use riscv64 as isa;
            } else if #[cfg(all(target_arch = "s390x", not(miri)))] {
                mod s390x;
                use s390x as isa;
            } else {
                mod other;
                use other as isa;
            }
        }
    }
}

cfg_if::cfg_if! {
    if #[cfg(all(target_arch = "aarch64", target_pointer_width = "64", not(miri)))] {
        pub(crate) use aarch64::tags;
    } else {
        #[path = "untagged.rs"]
        pub(crate) mod tags;
    }
}

pub(crate) use generic::SHORT;
pub(crate) use isa::MECHANISMS;
pub(crate) use isa::{PRIMITIVES, block, caches, flags, identity, tuning};

/// Returns the last row of every table, which every CPU has.
pub(crate) fn generic() -> &'static Primitive {
    &PRIMITIVES[PRIMITIVES.len() - 1]
}

/// Returns the facts of a CPU that reports neither maker nor model.
#[allow(dead_code, reason = "x86 and aarch64 report them")]
pub(crate) const fn anonymous() -> Facts {
    Facts::unknown(Isa::BUILT_FOR)
}
