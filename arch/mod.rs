//! One folder an ISA. Each gives [`PRIMITIVES`], what it knows of the CPU, and which primitive
//! serves which length; nothing above this folder knows an instruction.

#[cfg(any(
    target_arch = "powerpc64",
    target_arch = "riscv64",
    all(target_arch = "x86_64", target_pointer_width = "64")
))]
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

use crate::primitive::Available;

cfg_if::cfg_if! {
    // x32 has 4-byte pointers, which the list loops do not read; Miri runs no asm.
    if #[cfg(all(target_arch = "x86_64", target_pointer_width = "64", not(miri)))] {
        mod cpuid;
        mod x86_64;
        pub(crate) use {cpuid::model, x86_64::{is_short, zero_small}};
        use x86_64 as isa;
    } else if #[cfg(all(target_arch = "x86", not(miri)))] {
        mod cpuid;
        mod x86;
        pub(crate) use {cpuid::model, generic::{is_short, zero_small}};
        use x86 as isa;
    } else {
        pub(crate) use generic::{is_short, zero_small};

        /// The CPU's model as it numbers itself: not known.
        pub(crate) const fn model() -> u64 {
            0
        }

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
    } else if #[cfg(all(target_arch = "x86_64", target_pointer_width = "64", not(miri)))] {
        mod untagged;
        pub(crate) use x86_64::tags;
    } else {
        #[path = "untagged.rs"]
        pub(crate) mod tags;
    }
}

pub(crate) use isa::{PRIMITIVES, caches, flags, tuning};

/// The last row of every table, which every CPU has.
#[allow(dead_code, reason = "some ISAs have another that every CPU has")]
fn generic() -> Available {
    // SAFETY: word stores need nothing of the CPU.
    unsafe { Available::new_unchecked(&PRIMITIVES[PRIMITIVES.len() - 1]) }
}
