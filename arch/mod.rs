//! Contains a folder per ISA: its [`PRIMITIVES`], what the CPU reports, and the primitive for each
//! length. Code above this folder knows no instructions.
//!
//! A leaf that writes general registers only is legal in kernels, unless it states otherwise. Vector
//! rows are compiled in only where the target has vectors or the system can be asked, never in kernels.
//!
//! `build.rs` selects the folder. What an ISA does not define, it takes from [`mod@generic`].

/// Defines the table of an ISA, [`PRIMITIVES`], from its rows. It is one static, not a reference to a
/// constant, which the compiler may copy: rows are compared by address.
macro_rules! rows {
    ($($(#[$cfg:meta])* $row:path),* $(,)?) => {
        pub(crate) static PRIMITIVES: [crate::primitive::Primitive;
            [$($(#[$cfg])* stringify!($row)),*].len()] = [$($(#[$cfg])* $row),*];
    };
}
pub(crate) use rows;

mod auxv;
#[allow(dead_code, unused_imports, reason = "an ISA replaces what it defines itself")]
mod generic;
#[cfg(any(clearpage_isa = "powerpc64", clearpage_isa = "riscv64"))]
mod lazy;

#[cfg(not(clearpage_isa = "generic"))]
#[cfg_attr(clearpage_isa = "aarch64", path = "aarch64/mod.rs")]
#[cfg_attr(clearpage_isa = "arm", path = "arm/mod.rs")]
#[cfg_attr(clearpage_isa = "loongarch64", path = "loongarch64/mod.rs")]
#[cfg_attr(clearpage_isa = "powerpc64", path = "powerpc64/mod.rs")]
#[cfg_attr(clearpage_isa = "riscv64", path = "riscv64/mod.rs")]
#[cfg_attr(clearpage_isa = "s390x", path = "s390x/mod.rs")]
#[cfg_attr(clearpage_isa = "wasm32", path = "wasm32/mod.rs")]
#[cfg_attr(clearpage_isa = "x86", path = "x86/mod.rs")]
mod isa;

#[cfg(clearpage_isa = "generic")]
use generic as isa;

#[cfg(all(feature = "std", any(target_os = "linux", target_os = "android")))]
pub(crate) use auxv::auxv;
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
