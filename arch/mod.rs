//! Contains a folder per ISA: its [`PRIMITIVES`], what the CPU reports, and the primitive for each
//! length. Code above this folder knows no instructions.
//!
//! `build.rs` selects the folder. What an ISA does not define, it takes from [`mod@generic`].

mod auxv;
#[allow(dead_code, unused_imports, reason = "an ISA replaces what it defines itself")]
mod generic;
#[cfg(any(clearpage_isa = "powerpc64", clearpage_isa = "riscv64"))]
mod lazy;

#[cfg(clearpage_isa = "aarch64")]
mod aarch64;
#[cfg(clearpage_isa = "arm")]
mod arm;
#[cfg(clearpage_isa = "loongarch64")]
mod loongarch64;
#[cfg(clearpage_isa = "powerpc64")]
mod powerpc64;
#[cfg(clearpage_isa = "riscv64")]
mod riscv64;
#[cfg(clearpage_isa = "s390x")]
mod s390x;
#[cfg(clearpage_isa = "x86")]
mod x86;

#[cfg(clearpage_isa = "aarch64")]
use aarch64 as isa;
#[cfg(clearpage_isa = "arm")]
use arm as isa;
#[cfg(clearpage_isa = "generic")]
use generic as isa;
#[cfg(clearpage_isa = "loongarch64")]
use loongarch64 as isa;
#[cfg(clearpage_isa = "powerpc64")]
use powerpc64 as isa;
#[cfg(clearpage_isa = "riscv64")]
use riscv64 as isa;
#[cfg(clearpage_isa = "s390x")]
use s390x as isa;
#[cfg(clearpage_isa = "x86")]
use x86 as isa;

pub(crate) use isa::{
    MECHANISMS, PRIMITIVES, SHORT, block, caches, declare_block, flags, identity,
};
pub(crate) use isa::{is_short, tags, tuning, zero_small};

use crate::primitive::{Primitive, Unavailable};

/// Returns the last row of every table, which every CPU has.
pub(crate) fn generic() -> &'static Primitive {
    &PRIMITIVES[PRIMITIVES.len() - 1]
}

/// Returns `reason` as an error if a primitive is unavailable.
#[allow(dead_code, reason = "not every ISA has optional instructions")]
fn require(available: bool, reason: &'static str) -> Result<(), Unavailable> {
    if available { Ok(()) } else { Err(Unavailable { reason }) }
}
