//! Checks whether the instructions that came with SSE2 may be used.

use super::cpuid;
use crate::primitive::Unavailable;

pub(super) fn sse2() -> Result<(), Unavailable> {
    if cpuid::sse2() {
        Ok(())
    } else {
        Err(Unavailable { reason: "no SSE2: CPUID 1 EDX bit 26 is 0" })
    }
}
