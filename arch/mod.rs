//! One folder an ISA. Each gives [`PRIMITIVES`], what it knows of the CPU, and which primitive
//! serves which length; nothing above this folder knows an instruction.

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

pub(crate) use generic::zero_small;

cfg_if::cfg_if! {
    // x32 has 4-byte pointers, which the list loops do not read; Miri runs no asm.
    if #[cfg(all(target_arch = "x86_64", target_pointer_width = "64", not(miri)))] {
        mod cpuid;
        mod x86_64;
        pub(crate) use x86_64::{PRIMITIVES, caches, flags, tuning};
    } else if #[cfg(all(target_arch = "aarch64", target_pointer_width = "64", not(miri)))] {
        mod aarch64;
        pub(crate) use aarch64::{PRIMITIVES, caches, flags, tuning};
    } else if #[cfg(all(target_arch = "x86", not(miri)))] {
        mod cpuid;
        mod x86;
        pub(crate) use x86::{PRIMITIVES, caches, flags, tuning};
    } else if #[cfg(all(target_arch = "arm", not(miri)))] {
        mod arm;
        pub(crate) use arm::{PRIMITIVES, caches, flags, tuning};
    } else if #[cfg(all(target_arch = "loongarch64", not(miri)))] {
        mod loongarch64;
        pub(crate) use loongarch64::{PRIMITIVES, caches, flags, tuning};
    } else if #[cfg(all(target_arch = "powerpc64", not(miri)))] {
        mod powerpc64;
        pub(crate) use powerpc64::{PRIMITIVES, caches, flags, tuning};
    } else if #[cfg(all(target_arch = "riscv64", not(miri)))] {
        mod riscv64;
        pub(crate) use riscv64::{PRIMITIVES, caches, flags, tuning};
    } else if #[cfg(all(target_arch = "s390x", not(miri)))] {
        mod s390x;
        pub(crate) use s390x::{PRIMITIVES, caches, flags, tuning};
    } else {
        mod other;
        pub(crate) use other::{PRIMITIVES, caches, flags, model, tuning};
    }
}
