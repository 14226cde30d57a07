//! Faults that the checks must notice: each is a feature of this package, none is on by default.

/// A window closes without an invalidation of the TLB.
pub const STALE_TLB: bool = cfg!(feature = "mutant-stale-tlb");
/// A window closes without a change of its entries.
pub const LEFT_ENTRY: bool = cfg!(feature = "mutant-left-entry");
/// A window lacks its first page.
pub const SHORT_WINDOW: bool = cfg!(feature = "mutant-short-window");
/// A window shows the frames after the ones requested.
pub const WRONG_FRAME: bool = cfg!(feature = "mutant-wrong-frame");
/// A clear of the direct map writes 8 bytes too many.
pub const OVERRUN_DIRECT: bool = cfg!(feature = "mutant-overrun-direct");
/// A clear through a window writes 8 bytes too many.
pub const OVERRUN_WINDOW: bool = cfg!(feature = "mutant-overrun-window");
/// The entries of interrupts on x86_64 do not clear the direction flag.
#[cfg(target_arch = "x86_64")]
pub const NO_CLD: bool = cfg!(feature = "mutant-no-cld");
